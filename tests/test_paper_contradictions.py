"""Where the paper contradicts itself: each printed form against what it is meant to be (docs/paper.md).

Printed formulas are typed here in the paper's letters and its order, so that they can be laid beside the page.
"""

import math
from collections import Counter
from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from mpmath import mpf
from scipy.optimize import minimize_scalar

from checks import market_of
from reference import Game, Instance, pair_at
from strategies import build, calls, some_profile
from twinoffload import Market, Scenario, best_response, optimal_price, solve, uplink_rate
from twinoffload.env.episodes import draw_episodes
from twinoffload.env.observation import Encoder
from twinoffload.env.slots import Slots
from twinoffload.learning.sac import SAC, SACSettings
from twinoffload.seeding import stream

SEEDS = st.integers(0, 2**32 - 1)


def some_pairs(seed: int, maps: int = 4, stations: int = 3, **kinds) -> tuple[Instance, Market, torch.Tensor]:
    """A random market without a cap, and the rates of all its pairs at a random association."""
    instance = build(np.random.default_rng(seed), maps, stations, **{"gains": "close", **kinds})
    market = market_of(instance)
    return instance, market, uplink_rate(market, instance.gain, some_profile(instance, seed))


def letters(instance: Instance, rate: torch.Tensor) -> SimpleNamespace:
    """The paper's symbols of every pair, arrays `[N, M]`."""

    def of_map(values):
        return np.array(values)[:, None]

    return SimpleNamespace(
        A=of_map(instance.accuracy_value),
        D=of_map(instance.delay_cost),
        rho=np.array(instance.accuracy_weight),
        x=np.array(instance.quality),
        f=np.array(instance.compute),
        c=of_map(instance.cycles),
        R=rate.numpy(),
        eps=instance.energy_coefficient,
        o=of_map(instance.raw_data),
    )


def eq_15(l: SimpleNamespace, mu):
    """The best response as printed."""
    worth = l.A * l.rho * l.x
    return -1 / (l.rho * l.x) * np.log(l.D * (l.f + l.c * l.R) / (worth * l.R * l.f) + mu / worth)


def eq_19(l: SimpleNamespace, delay_weight):
    """The highest price as printed with `delay_weight` 1, as it should be with gamma^D."""
    return l.A * l.rho * l.x - delay_weight * (l.f + l.c * l.R) / (l.R * l.f)


def eq_22(l: SimpleNamespace, mu, eps):
    """The profit's second derivative, as printed with `eps` 1, as it should be with epsilon."""
    total = l.D * (l.f + l.c * l.R) + mu * l.R * l.f
    return -1 / (l.rho * l.x) * (
        l.R * l.f / total + eps * l.c * l.R**2 * l.f**4 / total**2 + l.R * l.f * l.D * (l.f + l.c * l.R) / total**2
    )  # fmt: skip


def earnings(l: SimpleNamespace, market: Market, rate: torch.Tensor, mu: np.ndarray) -> np.ndarray:
    """(mu - e) Z of every pair at the mAPs' best response, prices `[..., N, M]`."""
    return (mu - l.eps * l.f**2 * l.c) * best_response(market, rate, mu).data.numpy()


# the game: Eqs. 13 to 22


@calls(40)
@given(SEEDS)
def test_eq_13_rejects_the_best_price_and_admits_the_price_at_cost(seed):
    """U_l(mu*, Z*) >= U_l(mu*, Z) for every Z is no condition on the price; U_l(mu, Z*(mu)) over all mu is."""
    instance, market, rate = some_pairs(seed)
    l, offer = letters(instance, rate), optimal_price(market, rate)
    best, cost = offer.price.numpy(), l.eps * l.f**2 * l.c + np.zeros_like(l.R)
    sold = best_response(market, rate, best).data.numpy()
    trade = offer.trade.numpy() & (sold > 1e-6)
    amounts = np.linspace(0.0, 1.0, 101)[:, None, None] * l.o

    def eq_13(mu):
        """Whether the printed inequality holds at a price and the mAPs' answer to it, `[N, M]`."""
        reply = best_response(market, rate, mu).data.numpy()
        return ((mu - cost) * reply >= (mu - cost) * amounts - 1e-12 * l.A).all(0)

    assert not eq_13(best)[trade].any()
    assert eq_13(cost).all()
    others = np.linspace(0.0, 1.2, 400)[:, None, None] * l.A * l.rho * l.x
    earned = earnings(l, market, rate, others)
    assert (earnings(l, market, rate, best) >= earned.max(0) - 1e-12 * l.A).all()
    assert (earned.max(0) > earnings(l, market, rate, cost))[trade & (sold * l.rho * l.x > 0.1)].all()


@calls(60)
@given(SEEDS)
def test_eq_15_is_the_best_response_once_it_is_clipped(seed):
    instance, market, rate = some_pairs(seed, size="mixed", gains="wide")
    l = letters(instance, rate)
    mu = np.random.default_rng(seed).uniform(0.0, 1.5, l.R.shape) * l.A * l.rho * l.x
    ours = best_response(market, rate, mu).data.numpy()
    np.testing.assert_allclose(np.clip(eq_15(l, mu), 0.0, l.o), ours, rtol=1e-9, atol=1e-12)


def test_eq_15_unclipped_sends_less_than_nothing_and_more_than_there_is():
    """Nor is "the number of tasks offloaded always > 0" at the operator's own best prices."""
    negative = too_much = none_sold = 0
    for seed in range(30):
        instance, market, rate = some_pairs(seed, size="mixed", gains="wide")
        l, offer = letters(instance, rate), optimal_price(market, rate)
        best = offer.price.numpy()
        negative += (eq_15(l, best) < -1e-6).sum()
        too_much += (eq_15(l, best / 2) > l.o * (1 + 1e-6)).sum()
        none_sold += (~offer.trade.numpy()).sum()
        assert (best_response(market, rate, offer.price).data.numpy()[~offer.trade.numpy()] == 0.0).all()
        assert (eq_15(l, 0.0)[eq_19(l, l.D) < -1e-9] < 0.0).all(), "at no price would these send anything"
    assert min(negative, too_much, none_sold) > 10


def test_eq_19_without_gamma_d_admits_prices_that_sell_nothing_and_excludes_some_that_sell():
    admitted = excluded = 0
    for seed in range(30):
        instance, market, rate = some_pairs(seed)
        l = letters(instance, rate)
        printed, right = eq_19(l, 1.0), eq_19(l, l.D)
        between = np.clip((printed + right) / 2, 0.0, None)
        sold = best_response(market, rate, between).data.numpy()
        dear, cheap = (l.D > 1.05) & (between > right), (l.D < 0.95) & (between < right) & (between > printed)
        assert (sold[dear] == 0.0).all()
        assert (sold[cheap] > 0.0).all()
        admitted, excluded = admitted + dear.sum(), excluded + cheap.sum()
    assert min(admitted, excluded) > 30


@calls(40)
@given(SEEDS)
def test_the_only_price_that_eq_19_shows_earns_nothing(seed):
    """The paper takes its optimal price "as shown in inequality (19)"; ours earns more than any other price."""
    instance, market, rate = some_pairs(seed)
    l, offer = letters(instance, rate), optimal_price(market, rate)
    assume(offer.trade.any())
    shown = np.clip(eq_19(l, l.D), 0.0, None)
    trade = offer.trade.numpy()
    np.testing.assert_allclose(earnings(l, market, rate, shown)[trade], 0.0, atol=1e-12)
    assert (offer.profit.numpy()[trade] > 0.0).all()
    below = np.linspace(0.0, 1.0, 400)[:, None, None] * shown
    assert (offer.profit.numpy() >= earnings(l, market, rate, below).max(0) - 1e-12 * l.A)[trade].all()


def test_eq_20_without_chi_exceeds_all_that_can_be_earned():
    """Summed over all BSs every mAP buys M times; `admission` bounds whatever prices and associations there are."""
    exceeded = 0
    for seed in range(40):
        instance, market, _ = some_pairs(seed)
        outcome = solve(market, instance.gain, concept="admission")
        rate = uplink_rate(market, instance.gain, outcome.association)
        profit = optimal_price(market, rate).profit
        chosen = profit.gather(-1, outcome.association.unsqueeze(-1)).sum()
        possible = float(outcome.operator_utility)
        assert float(chosen) == pytest.approx(possible, abs=1e-10 * max(instance.accuracy_value))
        exceeded += float(profit.sum()) > 1.05 * possible
    assert exceeded >= 35


@calls(40)
@given(SEEDS, st.floats(0.05, 0.95))
def test_eq_22_is_the_second_derivative_only_with_epsilon(seed, share):
    instance, _, rate = some_pairs(seed, maps=1, stations=1)
    pair = pair_at(instance, 0, 0, float(rate[0, 0]))
    assume(pair.delay < pair.k)
    mu = share * (pair.k - pair.delay)
    names = {
        "D": instance.delay_cost[0],
        "rho": instance.accuracy_weight[0],
        "x": instance.quality[0],
        "f": instance.compute[0],
        "c": instance.cycles[0],
        "R": float(rate[0, 0]),
    }
    l, eps = SimpleNamespace(**{name: mpf(value) for name, value in names.items()}), mpf(instance.energy_coefficient)
    second = mpmath.diff(lambda price: (price - pair.cost) * mpmath.log(pair.k / (pair.delay + price)) / pair.a, mu, 2)
    assert abs(eq_22(l, mu, eps) / second - 1) < 1e-12
    assert eq_22(l, mu, mpf(1)) / second > 1.05


def test_the_profit_is_concave_only_where_the_amount_is_not_clipped():
    """Proposition 2 calls it strictly concave; where the mAP stops buying it bends the other way."""
    instance, market, rate = some_pairs(0)
    l = letters(instance, rate)
    trade, end = optimal_price(market, rate).trade.numpy(), eq_19(l, l.D)
    step = 0.01 * l.A * l.rho * l.x
    left, at, right = (earnings(l, market, rate, np.clip(end + k * step, 0.0, None)) for k in (-1, 0, 1))
    selling = trade & (end - step > l.eps * l.f**2 * l.c)
    assert selling.sum() > 5
    assert (left + right > 2 * at + 1e-6)[selling].all()


# rewards: Eqs. 26 and 36


@pytest.mark.parametrize("capped", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_eqs_26_and_36_price_a_gigacycle_which_changes_the_unit_alone(seed, capped):
    """Their best price, searched for, is ours over c under a cap over c, and both sides earn the same."""
    instance, market, rate = some_pairs(seed, maps=1, stations=1)
    cap = 0.5 * float(optimal_price(market, rate).price) if capped else math.inf
    market = market_of(instance.with_(price_cap=cap if capped else None))
    l = SimpleNamespace(**{name: np.asarray(value).item() for name, value in vars(letters(instance, rate)).items()})

    def eq_36(Z, mu):
        return l.A * (1 - math.exp(-l.rho * Z * l.x)) - l.D * (Z / l.R + Z * l.c / l.f) - mu * Z * l.c

    def eq_26(mu):
        Z = answer(mu)
        return mu * Z * l.c - l.eps * l.f**2 * Z * l.c

    def answer(mu):
        return minimize_scalar(lambda Z: -eq_36(Z, mu), bounds=(0.0, l.o), method="bounded", options={"xatol": 1e-9}).x

    highest = min(eq_19(l, l.D), cap) / l.c
    found = minimize_scalar(lambda mu: -eq_26(mu), bounds=(0.0, highest), method="bounded", options={"xatol": 1e-9}).x
    offer = optimal_price(market, rate)
    response = best_response(market, rate, offer.price)
    assert bool(offer.trade)
    assert found * l.c == pytest.approx(float(offer.price), rel=1e-3)
    assert answer(found) == pytest.approx(float(response.data), rel=1e-3)
    assert eq_26(found) == pytest.approx(float(offer.profit), rel=1e-5, abs=1e-6 * l.A)
    assert eq_36(answer(found), found) == pytest.approx(float(response.utility), rel=1e-3)
    same_number = float(offer.price)
    assert eq_36(answer(same_number), same_number) != pytest.approx(float(response.utility), rel=1e-2)


def test_eq_36_as_printed_pays_more_than_two_perfect_twins_may():
    """Its sum holds the first term alone and lacks chi: amounts for both BSs (Eq. 35) are two accuracies at one cost.

    The m of the second and third term is then free; the reward exceeds gamma^A, the most that Eq. 11 can pay, for
    either m.
    """
    market = Scenario.load("paper").market()
    quality, amount, price = market.quality.numpy(), np.array([5.0, 5.0]), np.zeros(2)
    A, c, f = 10.0, 1.6, 20.0
    R = uplink_rate(market, [[3e-9, 3e-9]] + [[1e-30, 1e-30]] * 3, [0, 0, 0, 0])[0].numpy()
    printed = (A * (1 - np.exp(-1.0 * amount * quality))).sum() - (amount / R + amount * c / f) - price * amount * c
    assert (printed > 1.3 * A).all()
    ours = best_response(market, np.broadcast_to(R, (4, 2)), np.zeros((4, 2))).utility
    assert (ours < A).all()


def test_eq_36_with_the_temperature_in_the_place_of_rho_buys_nothing():
    """Its alpha_m is Eq. 7's rho_m; alpha is the temperature, and a usual one sells nothing even for free."""
    scenario = Scenario.load("paper")
    gain = scenario.sample_gain(count=50)
    rho, alpha = (scenario.replace(accuracy_weight=value).market() for value in (1.0, 0.02))
    free = torch.zeros_like(gain)
    alone = torch.stack([uplink_rate(rho, gain * torch.eye(4)[n, :, None].clamp(min=1e-30), [0] * 4) for n in range(4)])
    assert (best_response(rho, alone, free.expand(4, -1, -1, -1)).data.amax((0, 2, 3)) > 1.0).all()
    assert (best_response(alpha, alone, free.expand(4, -1, -1, -1)).data == 0.0).all()


# learning: Eqs. 27 to 40


def value_and_entropy(policy: np.ndarray, value: np.ndarray, alpha: float, log=np.log) -> np.ndarray:
    """E[Q - alpha log pi] of policies `[..., A]`: what soft actor-critic maximises."""
    return (policy * (value - alpha * log(np.clip(policy, 1e-300, None)))).sum(-1)


def softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


@pytest.mark.parametrize("alpha", [0.02, 0.2, 1.0, 5.0])
def test_lg_for_ln_divides_the_temperature_by_ln_10(alpha):
    rng = np.random.default_rng(1)
    value, others = rng.normal(size=5), rng.dirichlet(np.full(5, 0.3), 5000)
    best = softmax(value / (alpha / math.log(10)))
    with_lg = value_and_entropy(best, value, alpha, np.log10)
    assert with_lg > value_and_entropy(others, value, alpha, np.log10).max()
    assert with_lg > value_and_entropy(softmax(value / alpha), value, alpha, np.log10)
    assert value_and_entropy(softmax(value / alpha), value, alpha) > value_and_entropy(best, value, alpha)


@pytest.mark.parametrize("alpha", [0.02, 0.2, 5.0])
def test_eq_31_without_its_temperature_aims_at_another_policy_than_eq_32(alpha):
    """The policy nearest to exp(Q) / Z is softmax(Q); E[Q - alpha ln pi] of Eq. 32 is largest at softmax(Q / alpha)."""
    rng = np.random.default_rng(2)
    value, others = rng.normal(size=5), rng.dirichlet(np.full(5, 0.3), 5000)

    def eq_31(policy, scale):
        target = softmax(value / scale)
        return (policy * (np.log(np.clip(policy, 1e-300, None)) - np.log(target))).sum(-1)

    printed, right = softmax(value), softmax(value / alpha)
    assert eq_31(printed, 1.0) == pytest.approx(0.0, abs=1e-12)
    assert eq_31(right, alpha) == pytest.approx(0.0, abs=1e-12)
    assert eq_31(right, 1.0) > 0.05
    assert value_and_entropy(right, value, alpha) > value_and_entropy(others, value, alpha).max()
    assert value_and_entropy(right, value, alpha) > value_and_entropy(printed, value, alpha) + 1e-3


def test_eq_32_never_improves_the_choice_that_earned_the_reward():
    """Two states of a bandit, the second follows the first: only the form at s_t moves the policy where it acted."""
    alpha, value = 0.1, torch.tensor([[1.0, 0.0, -1.0], [0.0, 0.0, 0.0]])  # Q(s, a), known
    logits = torch.zeros(2, 3, requires_grad=True)

    def objective(state):
        log_policy = logits[state].log_softmax(-1)
        return -(log_policy.exp() * (value[state] - alpha * log_policy)).sum()

    now, following = 0, 1
    (printed,) = torch.autograd.grad(objective(following), logits)
    (right,) = torch.autograd.grad(objective(now), logits)
    assert (printed[now] == 0.0).all()
    assert right[now].abs().max() > 0.1
    assert right[now].argmin() == value[now].argmax(), "downhill raises the best action"


def test_our_actor_follows_the_evaluation_critics_at_the_present_state():
    """Other target critics change nothing in the actor's step, other evaluation critics do (Eqs. 32 and 39)."""

    def improved(change: str | None) -> torch.Tensor:
        settings = SACSettings(hidden=(16, 16), discount=0.9)
        learner = SAC(settings, 1, observation=3, action=2, generators=[torch.Generator().manual_seed(1)])
        if change is not None:
            with torch.no_grad():
                getattr(learner.critics, change).mul_(-3.0)
        source = torch.Generator().manual_seed(2)
        learner._improve_actor(torch.rand(1, 32, 3, generator=source), torch.zeros(1, 32, 0))
        return learner.actor.detach()

    assert torch.equal(improved("target"), improved(None))
    assert not torch.equal(improved("parameters"), improved(None))


@pytest.mark.parametrize("preset", ["paper", "private"])
def test_what_was_done_in_a_slot_never_touches_later_slots_under_observation_paper(preset):
    """So the learning problem is a contextual bandit, and discount 0 is exact; under `load` it is not one."""
    scenario = Scenario.load(preset).replace(raw_data="uniform")
    one, other = (Slots(draw_episodes(scenario, 5, [stream(3, "test")], slots=6)) for _ in range(2))
    encoders = {name: Encoder.of(scenario, name) for name in ("paper", "load")}
    source = torch.Generator().manual_seed(0)

    def play(slots, price, station, data):
        return slots.step(price.expand_as(slots.gain), station.expand_as(slots.association), data)

    first = [
        play(
            slots,
            torch.rand(4, 2, generator=source).double(),
            torch.randint(2, (4,), generator=source),
            torch.rand(1, 5, 4, generator=source).double(),
        )
        for slots in (one, other)
    ]
    assert not torch.equal(first[0]["map_utility"], first[1]["map_utility"])
    load_differs = False
    for _ in range(4):
        assert torch.equal(one.gain, other.gain)
        assert torch.equal(encoders["paper"].operator_features(one), encoders["paper"].operator_features(other))
        price = torch.full_like(one.gain, 0.7)
        seen = {k: [e.map_features(slots, price) for slots in (one, other)] for k, e in encoders.items()}
        assert torch.equal(*seen["paper"])
        load_differs |= not torch.equal(*seen["load"])
        rule = price, one.gain.argmax(-1), one.terms.raw_data.squeeze(-1) / 2
        paid = [play(slots, *rule) for slots in (one, other)]
        for name in ("map_utility", "operator_utility"):
            assert torch.equal(paid[0][name], paid[1][name])
    assert load_differs


# Algorithm 1, and what never enters


def algorithm_1(
    instance: Instance, W: int, *, outer: str = "omega", inner: str = "omega", start=None, own_alone: bool = False
) -> SimpleNamespace:
    """Lines 3 to 9 as printed, from Z(0) = 0, with prices and amounts kept in their ranges.

    `outer` and `inner` name the loops' counters; `own_alone` steps only the amount for the BS that an mAP is on.
    """
    game, work, index = Game(instance), Counter(), {}
    pairs = [(n, m) for n in range(instance.maps) for m in range(instance.stations)]
    K, a = np.array([[float(p.k), float(p.a)] for p in (pair_at(instance, *pair, 1.0) for pair in pairs)]).T
    kappa, nu = (a * K).min() / math.e, 1.0 / (a * K).max()  # half the local limits
    price, data, profile = 0.1 * K, np.zeros(len(pairs)), list(start or game.strongest())

    def delay_and_cost():
        found = [game.pair(n, m, profile) for n, m in pairs]
        return np.array([[float(p.delay), float(p.cost)] for p in found]).T

    index[outer] = 1
    while index[outer] <= W:
        work["outer"] += 1
        delay, cost = delay_and_cost()
        y = price + delay
        price = np.clip(price + kappa * (np.log(K / y) - (price - cost) / y) / a, 0.0, K)
        work["prices"] += len(pairs)
        index[inner] = 1
        while index[inner] <= W:
            delay, _ = delay_and_cost()
            stepped = np.array([profile[n] == m or not own_alone for n, m in pairs])
            step = nu * (K * np.exp(-a * data) - delay - price)
            data = np.where(stepped, np.clip(data + step, 0.0, 5.0 / a), data)
            work["amounts"] += int(stepped.sum())
            utility = K / a * -np.expm1(-a * data) - (delay + price) * data
            profile = utility.reshape(instance.maps, instance.stations).argmax(-1).tolist()
            index[inner] += 1
        index[outer] += 1
    best = np.array([float(game.best_offer(n, m, profile)[0]) for n, m in pairs])
    return SimpleNamespace(work=work, profile=profile, error=np.abs(price - best).max() / K.max())


def apart(maps: int, stations: int) -> Instance:
    """About the defaults, each mAP next to a BS of its own: nobody else's BS is as good, but all are worth using."""
    return Instance(
        gain=tuple(tuple(1e-7 if m == n else 1e-10 for m in range(stations)) for n in range(maps)),
        power=(0.2,) * maps,
        bandwidth=(5.0,) * stations,
        noise=(6e-14,) * stations,
        compute=(20.0,) * stations,
        cycles=(1.8,) * maps,
        quality=(0.8,) * stations,
        accuracy_weight=(1.0,) * stations,
        accuracy_value=(10.0,) * maps,
        delay_cost=(1.0,) * maps,
        energy_coefficient=2.5e-4,
        price_cap=None,
        raw_data=(5.0,) * maps,
    )


def test_algorithm_1_with_one_counter_for_both_loops_ends_after_one_price_step():
    printed, meant = algorithm_1(apart(2, 2), 60), algorithm_1(apart(2, 2), 60, inner="iota")
    assert printed.work["outer"] == 1
    assert meant.work["outer"] == 60
    assert meant.error < 1e-3 < 0.05 < printed.error


@pytest.mark.parametrize(("maps", "stations"), [(2, 2), (2, 4), (4, 4)])
def test_algorithm_1_takes_w_squared_n_m_steps_for_with_fewer_nobody_moves(maps, stations):
    """The paper counts W^2 N, one amount an mAP; but Eq. 23 compares BSs, so it needs an amount for each of them."""
    W, instance = 12, apart(maps, stations)
    far = list(range(stations))[::-1][:maps]
    whole, counted = (algorithm_1(instance, W, inner="iota", start=far, own_alone=own) for own in (False, True))
    assert whole.work["prices"] == W * maps * stations
    assert whole.work["amounts"] == W**2 * maps * stations
    assert whole.profile != far
    assert counted.work["amounts"] == W**2 * maps
    assert counted.profile == far


def test_the_number_of_cores_limits_nobody():
    """delta_m enters no formula: eight mAPs on one BS compute as fast as one would, c/f seconds a MB each."""
    instance = build(np.random.default_rng(3), 8, 1, gains="close").with_(gain=((1e-9,),) * 8, delay_cost=(0.05,) * 8)
    outcome = solve(market_of(instance), instance.gain, concept="pairwise")
    assert (outcome.data > 0.0).all()
    computing = outcome.delay - outcome.data / outcome.rate
    expected = outcome.data * torch.tensor(instance.cycles, dtype=torch.float64) / instance.compute[0]
    torch.testing.assert_close(computing, expected, rtol=1e-9, atol=1e-12)


def test_without_a_cap_fig_5_s_pattern_needs_an_map_that_moves():
    """Uncapped, past f*, one mAP moves to the other BS as f grows: the operator loses, the mAPs gain, in this slot."""
    open_market = Scenario.load("paper").replace(price_cap=None)
    markets = [open_market.replace(compute=f).market() for f in (16.0, 24.0)]
    gain = torch.tensor([  # a snapshot of the preset
        [9.914865428140537e-10, 9.578873956002239e-09], [7.855587140806491e-10, 7.278435040676202e-09],
        [8.40256137214742e-09, 1.2263612372243756e-09], [5.339085249423743e-09, 6.962916156152061e-10],
    ], dtype=torch.float64)  # fmt: skip
    slow, fast = (solve(market, gain, "admission") for market in markets)
    assert int((torch.as_tensor(slow.association) != torch.as_tensor(fast.association)).sum()) == 1
    assert fast.operator_utility < slow.operator_utility
    assert fast.map_utility.mean() > slow.map_utility.mean()
