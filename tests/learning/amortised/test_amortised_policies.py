"""One policy for any network: renumbering, sizes, extremes, and recommendations by lot."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reference import Instance
from strategies import build, calls, instances
from twinoffload import Market
from twinoffload.game.terms import Terms
from twinoffload.learning.amortised import maps, operator
from twinoffload.learning.amortised.maps import Maps
from twinoffload.learning.amortised.memory import Known
from twinoffload.learning.amortised.operator import Operator, drawn, recommended
from twinoffload.learning.amortised.pair_network import PairNetwork
from twinoffload.learning.networks import Mlp
from twinoffload.seeding import stream

NETWORK = PairNetwork(operator.FEATURES, operator.PROSPECTS, width=8, rounds=3)
PRICING = Mlp((operator.PRICE_FEATURES, 8, 1))
REPLIES = Mlp((maps.FEATURES, 8, 1))
GENERATORS = [stream(0, "tests of amortised")]
WEIGHTS = 2.0 * NETWORK.initialise(1, GENERATORS)  # larger than at the start, so that decisions differ
WEIGHTS[:, -sum(NETWORK.sizes[-3:]) :] *= 10.0
PRICING_WEIGHTS, REPLY_WEIGHTS = 3.0 * PRICING.initialise(1, GENERATORS), REPLIES.initialise(1, GENERATORS)


def opened(instance: Instance) -> tuple[Terms, torch.Tensor, float]:
    """Parameters, gain `[1, 1, N, M]` and the end of the price range."""
    gain = torch.tensor(instance.gain, dtype=torch.float64)[None, None]
    terms = Market(**instance.market_fields()).terms(instance.maps, instance.stations)
    return terms, gain, max(float(terms.price_limit), 1e-9)


class Policies:
    """Operator and mAPs with fixed weights, for one market."""

    def __init__(self, instance: Instance, private: bool = False, by_gain: bool = False):
        self.terms, self.gain, highest = opened(instance)
        self.operator = Operator(NETWORK, PRICING if private else None, highest, 2e-3 * highest, 1.0, by_gain)
        self.maps = Maps(REPLIES, highest, 2e-3 * highest)
        self.pricing = PRICING.split(PRICING_WEIGHTS) if private else None
        values = (self.terms.accuracy_value, self.terms.delay_cost)
        doubt = torch.cat([value / (1.0 + value) for value in values], dim=-1)[None, None]
        self.known = Known(self.terms, doubt if private else None)

    def scores(self) -> torch.Tensor:
        return self.operator.scores(NETWORK.split(WEIGHTS), self.terms, self.gain)[0, 0]

    def price(self, association: torch.Tensor) -> torch.Tensor:
        return self.operator.price(self.pricing, self.known, self.gain, association[None, None])[0, 0]

    def offload(self, price: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        association, data = self.maps.offload(REPLIES.split(REPLY_WEIGHTS), self.terms, self.gain, price[None, None])
        return association[0, 0], data[0, 0]


def renumbered(instance: Instance, maps: list[int], stations: list[int]) -> Instance:
    """mAP `maps[i]` becomes mAP i, BS `stations[j]` becomes BS j."""

    def of_map(values):
        return tuple(values[n] for n in maps)

    def of_station(values):
        return tuple(values[m] for m in stations)

    cycles = of_map(instance.cycles)
    if isinstance(cycles[0], tuple):
        cycles = tuple(of_station(row) for row in cycles)
    per_map = ("power", "accuracy_value", "delay_cost", "raw_data")
    per_station = ("bandwidth", "noise", "compute", "quality", "accuracy_weight")
    return instance.with_(
        gain=tuple(of_station(row) for row in of_map(instance.gain)),
        cycles=cycles,
        **{name: of_map(getattr(instance, name)) for name in per_map},
        **{name: of_station(getattr(instance, name)) for name in per_station},
    )


@calls(80)
@given(
    instance=instances(most_maps=7, most_stations=4, caps=("none", "middling", "large")),
    seed=st.integers(0, 10_000),
    private=st.booleans(),
    by_gain=st.booleans(),
)
def test_renumbering_renumbers_every_decision(instance, seed, private, by_gain):
    rng = np.random.default_rng(seed)
    order, stations = rng.permutation(instance.maps).tolist(), rng.permutation(instance.stations).tolist()
    one = Policies(instance, private, by_gain)
    other = Policies(renumbered(instance, order, stations), private, by_gain)
    scores, again = one.scores(), other.scores()
    columns = [*stations, *([] if instance.idle_interferes else [instance.stations])]
    torch.testing.assert_close(again, scores[order][:, columns], rtol=1e-3, atol=1e-3)

    association = recommended(scores, instance.stations)
    place = torch.tensor([*map(stations.index, range(instance.stations)), -1])  # BS m is called place[m] now; -1 stays
    moved = place[association[order]]
    price, price_again = one.price(association), other.price(moved)
    torch.testing.assert_close(price_again, price[order][:, stations], rtol=0, atol=1e-6 * one.operator.highest_price)

    (where, data), (where_again, data_again) = one.offload(price), other.offload(price[order][:, stations])
    sends = data[order] > 0.0
    torch.testing.assert_close(data_again, data[order], rtol=1e-3, atol=1e-4)
    distinct = (price.sort(-1).values.diff(dim=-1) > 0).all(-1)[order]  # equal offers may be told by number alone
    assert torch.equal(where_again[sends & distinct], place[where[order]][sends & distinct])


@calls(40)
@given(instance=instances(most_maps=6, gains=("wide",)))
def test_a_base_station_out_of_reach_changes_no_pool(instance):
    """In the first round; later ones see what probability is left for the others."""
    once = PairNetwork(operator.FEATURES, operator.PROSPECTS, width=8, rounds=1)
    terms, gain, highest = opened(instance)
    far = torch.cat([gain, torch.zeros_like(gain[..., :1])], dim=-1)
    wider = terms.map(lambda tensor: tensor if tensor.shape[-1] == 1 else torch.cat([tensor, tensor[..., :1]], dim=-1))
    moved = {}
    for by_gain in (True, False):
        policy = Operator(once, None, highest, 2e-3 * highest, 1.0, by_gain)
        few, more = (
            policy.scores(once.split(WEIGHTS), known, gains)[..., : instance.stations]
            for known, gains in ((terms, gain), (wider, far))
        )
        moved[by_gain] = (few - few[..., :1] - more + more[..., :1]).abs().max()
    assert moved[True] < 1e-4
    assert instance.stations == 1 or moved[False] > moved[True], "where all count evenly, it does"


@pytest.mark.parametrize("stations", range(1, 6))
@pytest.mark.parametrize("idle_interferes", [True, False])
def test_one_forward_pass_serves_every_size(stations, idle_interferes):
    for count in range(1, 13):
        for gains in ("wide", "some zero"):
            made = build(np.random.default_rng(count), count, stations, gains=gains, idle_interferes=idle_interferes)
            least = tuple(tuple(max(gain, 1e-30) for gain in row) for row in made.gain)
            for instance in (made, made.with_(gain=least)):
                for private in (True, False):
                    policies = Policies(instance, private, by_gain=private)
                    scores = policies.scores()
                    assert scores.shape == (count, stations + (not idle_interferes))
                    assert torch.allclose(scores.exp().sum(-1), torch.ones(count), atol=1e-5)
                    association = recommended(scores, stations)
                    price = policies.price(association)
                    assert price.shape == (count, stations)
                    assert ((price >= 0.0) & (price <= policies.operator.highest_price)).all()
                    where, data = policies.offload(price)
                    assert where.shape == data.shape == (count,)
                    raw = torch.tensor(instance.raw_data, dtype=torch.float64)
                    assert ((data >= 0.0) & (data <= raw)).all()
                    assert where.max() < stations
                    assert (where.min() >= 0) if idle_interferes else torch.equal(where < 0, data == 0.0)


def test_probabilities_are_drawn_by_their_frequencies():
    chances = torch.tensor([[0.1, 0.6, 0.3], [0.0, 0.25, 0.75], [1.0, 0.0, 0.0]])
    uniform = (torch.arange(20_000) + 0.5) / 20_000
    uniform = uniform[:, None].expand(-1, 3)
    for stations, names in ((3, [0, 1, 2]), (2, [0, 1, -1])):
        association = drawn(chances.log().expand(20_000, 3, 3), stations, uniform)
        found = torch.stack([(association == name).float().mean(0) for name in names], dim=-1)
        assert torch.allclose(found, chances, atol=2e-4)
    ends = torch.tensor([[0.0, 0.0, 0.0], [1.0 - 2.0**-24] * 3])
    assert drawn(chances.log().expand(2, 3, 3), 2, ends).tolist() == [[0, 1, 0], [-1, -1, 0]]


def test_the_likeliest_is_recommended():
    scores = torch.tensor([[0.2, 0.3, 0.5], [0.5, 0.3, 0.2]]).log()
    assert recommended(scores, 3).tolist() == [2, 0]
    assert recommended(scores, 2).tolist() == [-1, 0]
