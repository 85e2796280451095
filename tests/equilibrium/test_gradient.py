"""Algorithm 1: the same steps as plain loops take, its local limits, where it rests and where it never does."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from checks import check_shapes, market_of
from reference import Game, Instance
from strategies import build, calls, instances
from twinoffload import GradientSettings, Market, Scenario, optimal_price, solve, uplink_rate

SEEDS = st.integers(0, 2**32 - 1)


def delay_cost(instance: Instance, association: list[int], data: np.ndarray, n: int, m: int) -> float:
    """D of mAP n at BS m by loops; inf where the rate is 0."""
    others = sum(
        instance.power[k] * instance.gain[k][m]
        for k in range(instance.maps)
        if k != n and association[k] == m and (instance.idle_interferes or data[k, association[k]] > 0)
    )
    signal = instance.power[n] * instance.gain[n][m]
    rate = instance.bandwidth[m] / 8 * math.log1p(signal / (others + instance.noise[m])) / math.log(2)
    if rate == 0:
        return math.inf
    return instance.delay_cost[n] * (1 / rate + instance.cycles_of(n, m) / instance.compute[m])


def algorithm_1(
    instance: Instance, price: np.ndarray, data: np.ndarray, association: list[int], settings: GradientSettings
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """The paper's listing as plain loops, with the projections: prices, amounts and associations after W iterations."""
    kappa, nu = settings.price_step, settings.data_step
    assert kappa is not None
    assert nu is not None
    pairs = [(n, m) for n in range(instance.maps) for m in range(instance.stations)]
    price, data, association = price.copy(), data.copy(), list(association)
    a = [r * x for r, x in zip(instance.accuracy_weight, instance.quality, strict=True)]
    highest = instance.price_cap
    if highest is None:
        highest = max(instance.accuracy_value) * max(a)

    def utility(n: int, m: int, profile: list[int]) -> float:
        z = data[n, m]
        cost = delay_cost(instance, profile, data, n, m)
        paid = (cost + price[n, m]) * z if z > 0 else 0.0
        return instance.accuracy_value[n] * (1 - math.exp(-a[m] * z)) - paid

    def choice(n: int, profile: list[int]) -> int:
        worth = [utility(n, m, profile) for m in range(instance.stations)]
        best = max(range(instance.stations), key=worth.__getitem__)
        return best if worth[best] > worth[profile[n]] + 1e-12 * instance.accuracy_value[n] else profile[n]

    for _ in range(settings.iterations):
        now = price.copy()
        for n, m in pairs:
            y = now[n, m] + delay_cost(instance, association, data, n, m)
            e = instance.energy_coefficient * instance.compute[m] ** 2 * instance.cycles_of(n, m)
            if 0 < y < math.inf:
                slope = (math.log(instance.accuracy_value[n] * a[m] / y) - (now[n, m] - e) / y) / a[m]
                price[n, m] = min(max(now[n, m] + kappa * slope, 0.0), highest)
        for _ in range(settings.iterations):
            old = data.copy()
            for n, m in pairs:
                d = delay_cost(instance, association, old, n, m)
                slope = instance.accuracy_value[n] * a[m] * math.exp(-a[m] * old[n, m]) - price[n, m] - d
                data[n, m] = min(max(old[n, m] + nu * slope, 0.0), instance.raw_data[n])
            if settings.switching == "simultaneous":
                association = [choice(n, association) for n in range(instance.maps)]
            else:
                for n in range(instance.maps):
                    association[n] = choice(n, association)
    return price, data, association


@calls(30)
@given(
    instances(most_maps=3, gains=("close", "wide", "some zero"), sizes=("ample", "tight", "mixed")),
    SEEDS,
    st.sampled_from(("simultaneous", "sequential")),
)
def test_every_step_is_that_of_plain_loops(instance, seed, switching):
    settings = GradientSettings(
        iterations=4, price_step=0.1, data_step=0.05, switching=switching, seed=seed, keep_trajectory=True
    )
    outcome = solve(market_of(instance), instance.gain, "gradient", settings=settings)
    check_shapes(instance, outcome)
    path = outcome.trajectory
    assert path.price.shape == (5, instance.maps, instance.stations)
    start = path.price[0].numpy(), path.data[0].numpy(), path.association[0].tolist()
    price, data, association = algorithm_1(instance, *start, settings)
    np.testing.assert_allclose(path.price[-1], price, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(path.data[-1], data, rtol=1e-9, atol=1e-12)
    assert path.association[-1].tolist() == association
    highest = math.inf if instance.price_cap is None else instance.price_cap
    assert (path.price >= 0).all()
    assert (path.price <= highest).all()
    assert (path.data <= torch.tensor(instance.raw_data, dtype=torch.float64).unsqueeze(-1)).all()


def lonely_pairs(count: int) -> tuple[Market, torch.Tensor]:
    """Pairs that trade, without a cap and with ample data, as a batch of markets of one mAP and one BS."""
    rng = np.random.default_rng(5)
    pairs = [build(rng, 1, 1) for _ in range(count)]
    names = [name for name in pairs[0].market_fields() if name not in ("price_cap", "idle_interferes", "raw_data")]
    fields = {name: [np.atleast_1d(pair.market_fields()[name]) for pair in pairs] for name in names}
    fields = {name: np.reshape(values, (count, 1)) for name, values in fields.items()}
    fields["energy_coefficient"] = fields["energy_coefficient"][:, 0]
    market, gain = Market(**fields, price_cap=None, raw_data=1e3), torch.tensor([pair.gain for pair in pairs])
    assert optimal_price(market, uplink_rate(market, gain, [0])).trade.double().mean() > 0.8
    return market, gain


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_the_local_limits_part_rest_from_oscillation(factor):
    """Below its limit every pair rests, above it none does. W is odd, lest a cycle of two end where it began."""
    market, gain = lonely_pairs(100)
    limits = solve(market, gain, "gradient", settings=GradientSettings(iterations=1)).steps
    kappa, nu = limits.price_limit.flatten(), limits.data_limit.flatten()
    trade = ~kappa.isnan()
    for steps, moving in (((factor * kappa, 0.1 * nu), "price"), ((0.3 * kappa, factor * nu), "data")):
        price_step, data_step = (step.nan_to_num(0.1) for step in steps)
        settings = GradientSettings(41, price_step, data_step, keep_trajectory=True)
        path = getattr(solve(market, gain, "gradient", settings=settings).trajectory, moving).flatten(1)
        rested = (path[-1] - path[-2]).abs() < 1e-3 * path[-1]
        share = rested[trade].double().mean()
        assert share > 0.99 if factor < 1 else share < 0.01


def test_limits_are_told_and_the_defaults_are_half_the_smallest():
    scenario = Scenario.load("open")
    outcome = solve(scenario.market(), scenario.sample_gain(50), "gradient", settings=GradientSettings(iterations=2))
    steps = outcome.steps
    assert steps.price_step.shape == (50,)
    assert steps.price_limit.shape == (50, 4, 2)
    trade = ~steps.price_limit.isnan()
    assert trade.any()
    assert torch.equal(trade, ~steps.data_limit.isnan())
    for step, limit in ((steps.price_step, steps.price_limit), (steps.data_step, steps.data_limit)):
        bound = 2 * step[:, None, None].expand_as(limit)
        assert (limit[trade] >= bound[trade] * (1 - 1e-12)).all()
    assert solve(scenario.market(), scenario.sample_gain(2), "pairwise").steps is None


def test_one_after_another_it_comes_to_the_pairwise_fixed_point():
    """From `pairwise`'s own start and within its local limits; where both end on the same BSs prices agree to 1e-6."""
    for preset in ("paper", "open"):
        scenario = Scenario.load(preset)
        market, gain = scenario.market(), scenario.sample_gain(40)
        exact = solve(market, gain, "pairwise")
        settings = GradientSettings(iterations=40, switching="sequential")
        outcome = solve(market, gain, "gradient", start=gain.argmax(-1), settings=settings)
        same = (outcome.association == exact.association).all(-1)
        assert same.double().mean() > 0.6
        own = exact.association.unsqueeze(-1)
        apart = (outcome.price.gather(-1, own) - exact.price.gather(-1, own)).abs().amax((-2, -1))
        assert apart[same].max() < 1e-6
        rested = torch.from_numpy(outcome.status == "converged")
        assert rested.double().mean() > 0.5
        assert (outcome.regret[rested] < 1e-6).all()


def test_mobiles_that_switch_at_once_chase_each_other_for_ever():
    """Two equal mAPs and two equal BSs: together they jam each other, so both leave, and meet again.

    A low cap and little data make their random prices and amounts alike from the first step on.
    """
    instance = build(np.random.default_rng(0), 2, 2).with_(
        gain=((1e-9, 1e-9), (1e-9, 1e-9)),
        **{name: (1.0, 1.0) for name in ("power", "delay_cost", "quality", "accuracy_weight")},
        bandwidth=(5.0, 5.0), noise=(1e-13, 1e-13), compute=(20.0, 20.0), cycles=(1.0, 1.0),
        accuracy_value=(10.0, 10.0), raw_data=(0.05, 0.05), price_cap=0.01,
    )  # fmt: skip
    market = market_of(instance)
    settings = GradientSettings(iterations=60, keep_trajectory=True)
    outcome = solve(market, instance.gain, "gradient", start=[0, 0], settings=settings)
    assert outcome.status == "oscillating"
    assert outcome.association[0] == outcome.association[1]
    assert outcome.regret.min() > 0.05
    one_by_one = solve(
        market, instance.gain, "gradient", start=[0, 0],
        settings=GradientSettings(iterations=60, switching="sequential"),
    )  # fmt: skip
    assert one_by_one.status == "converged"
    assert one_by_one.association[0] != one_by_one.association[1]
    assert one_by_one.regret.max() < 1e-6
    assert max(Game(instance).regret((0, 1), None)) == 0


def test_a_quarter_to_three_quarters_of_the_draws_oscillate_as_printed():
    scenario = Scenario.load("paper")
    outcome = solve(scenario.market(), scenario.sample_gain(200), "gradient", settings=GradientSettings(iterations=60))
    assert 0.1 < (outcome.status == "oscillating").mean() < 0.8


def test_the_seed_decides_and_a_stated_start_is_taken():
    scenario = Scenario.load("paper")
    market, gain = scenario.market(), scenario.sample_gain(20)
    short = {"iterations": 3, "keep_trajectory": True}
    one, again, other = (solve(market, gain, "gradient", settings=GradientSettings(seed=s, **short)) for s in (1, 1, 2))
    assert torch.equal(one.trajectory.price, again.trajectory.price)
    assert not torch.equal(one.trajectory.price[0], other.trajectory.price[0])
    stated = solve(market, gain, "gradient", start=torch.zeros(20, 4), settings=GradientSettings(**short))
    assert (stated.trajectory.association[0] == 0).all()
    assert (stated.start == 0).all()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("iterations", 0, "iterations = 0: must be an integer of at least 1"),
        ("iterations", True, "iterations = True"),
        ("iterations", 2.5, "iterations = 2.5"),
        ("seed", -1, "seed = -1: must be an integer of at least 0"),
        ("price_step", 0.0, "price_step = 0: must be finite and above 0"),
        ("price_step", math.nan, "price_step = nan"),
        ("data_step", math.inf, "data_step = inf"),
        ("data_step", [0.1, -0.1], r"data_step\[1\] = -0.1"),
        ("data_step", "a", "data_step: expected a number"),
        ("switching", "x", "switching = 'x': must be one of simultaneous, sequential"),
    ],
)
def test_meaningless_settings_are_refused(field, value, words):
    with pytest.raises(ValueError, match=words):
        GradientSettings(**{field: value})


def test_settings_must_fit_the_batch():
    scenario = Scenario.load("paper")
    market, gain = scenario.market(), scenario.sample_gain(4)
    with pytest.raises(ValueError, match="price_step: has 3 entries; expected one, or one for each of 4 slots"):
        solve(market, gain, "gradient", settings=GradientSettings(price_step=torch.ones(3)))
    with pytest.raises(ValueError, match="settings: expected GradientSettings, got dict"):
        solve(market, gain, "gradient", settings={"iterations": 3})
