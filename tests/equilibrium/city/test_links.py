"""Candidate pairs from every kind of input, and a market's parameters on them."""

import numpy as np
import pytest
import torch
from hypothesis import given

from checks import market_of
from strategies import build, calls, instances
from twinoffload import Market
from twinoffload.equilibrium.city.links import Links, parameters, received, terms

DENSE = torch.tensor([[0.0, 3.0, 1.0], [2.0, 0.0, 0.0]], dtype=torch.float64)


def same(a: Links, b: Links) -> bool:
    return a.stations == b.stations and all(
        np.array_equal(getattr(a, name), getattr(b, name)) for name in ("offset", "station", "gain")
    )


@pytest.mark.filterwarnings("ignore:Sparse CSR")
def test_every_kind_of_input_gives_the_same_pairs():
    links = Links.of(DENSE)
    assert (links.maps, links.stations, links.pairs) == (2, 3, 3)
    assert links.offset.tolist() == [0, 2, 3]
    assert links.station.tolist() == [1, 2, 0]
    assert links.gain.tolist() == [3.0, 1.0, 2.0]
    assert links.map_of.tolist() == [0, 0, 1]
    shuffled = torch.sparse_coo_tensor(
        [[1, 0, 0], [0, 2, 1]], [2.0, 1.0, 3.0], (2, 3), dtype=torch.float64, check_invariants=True
    )
    for other in (DENSE.tolist(), DENSE.numpy(), DENSE.to_sparse_coo(), DENSE.to_sparse_csr(), shuffled):
        assert same(Links.of(other), links)
    assert torch.equal(links.sparse(torch.from_numpy(links.gain)).to_dense(), DENSE)


def test_pairs_by_station_and_the_strongest():
    links = Links.of(torch.tensor([[1.0, 3.0, 3.0], [2.0, 0.0, 5.0]]))
    offset, pair = links.by_station
    assert offset.tolist() == [0, 2, 3, 5]
    assert pair.tolist() == [0, 3, 1, 2, 4]
    assert links.strongest_pair().tolist() == [1, 4]
    assert links.pair_at(np.array([2, 1])).tolist() == [2, -1]
    assert links.pair_at(np.array([-1, 0])).tolist() == [-1, 3]


@calls(100)
@given(instances(most_maps=5))
def test_parameters_are_those_of_the_market_at_the_pairs(instance):
    market, gain = market_of(instance), torch.tensor(instance.gain, dtype=torch.float64)
    links = Links.of(gain)
    full = market.terms(*gain.shape).expand(gain.shape).map(lambda tensor: tensor[gain > 0])
    found = terms(market, links).map(lambda tensor: tensor.expand(links.pairs))
    for name, tensor in full.tensors().items():
        assert torch.equal(getattr(found, name), tensor), name
    assert found.idle_interferes == market.idle_interferes
    assert np.array_equal(received(market, links), (full.power * gain[gain > 0]).numpy())
    half = links.maps // 2
    part = terms(market, links, slice(half, None)).steepness
    assert torch.equal(part.expand(links.pairs - links.offset[half]), full.steepness[links.offset[half] :])
    q = parameters(market, links)
    assert q.price_cap == (np.inf if instance.price_cap is None else instance.price_cap)
    assert np.array_equal(q.accuracy_value, instance.accuracy_value)
    assert q.cycles.tolist() == [instance.cycles_of(n, m) for n, m in zip(links.map_of, links.station, strict=True)]


def test_a_market_of_numbers_fits_any_links():
    instance = build(np.random.default_rng(0), 1, 1)
    market = Market(**{name: getattr(value, "__getitem__", lambda _, value=value: value)(0)
                       for name, value in instance.market_fields().items()})  # fmt: skip
    links = Links.of(DENSE)
    assert terms(market, links).power.shape == (1,)
    q = parameters(market, links)
    assert (len(q.accuracy_value), len(q.noise), len(q.cycles)) == (2, 3, 3)


@pytest.mark.filterwarnings("ignore:Sparse CSR")
@pytest.mark.parametrize(
    ("gain", "message"),
    [
        ([[1.0, 0.0], [0.0, 0.0]], "mAP 1 reaches no BS"),
        (torch.tensor([[1.0, 0.0], [0.0, 0.0]]).to_sparse_coo(), "mAP 1 reaches no BS"),
        (lambda: torch.tensor([[1.0, -2.0]]).to_sparse_csr(), r"gain\[0, 1\] = -2: must be finite"),
        (torch.tensor([[1.0, torch.inf]]).to_sparse_coo(), r"gain\[0, 1\] = inf: must be finite"),
        (
            lambda: torch.sparse_coo_tensor([[0, 0], [1, 1]], [1.0, 2.0], (1, 2), check_invariants=False),
            r"gain\[0, 1\] is listed twice",
        ),
        (torch.sparse_coo_tensor([[0], [5]], [1.0], (1, 2), check_invariants=False), "column index 5 is not in 0..1"),
        (torch.ones(2, 2, 2), "one snapshot"),
        (torch.ones(2, 2, 2).to_sparse_coo(), r"expected \[N, M\]"),
    ],
)
def test_bad_pairs_are_named(gain, message):
    with pytest.raises(ValueError, match=message):
        Links.of(gain() if callable(gain) else gain)


def test_a_market_that_does_not_fit_is_named():
    market = market_of(build(np.random.default_rng(0), 4, 3))
    with pytest.raises(ValueError, match="4 entries on its mAP axis, but the gain has 2"):
        parameters(market, Links.of(DENSE))
    fields = build(np.random.default_rng(0), 2, 3).market_fields()
    with pytest.raises(ValueError, match=r"power: has batch axes \[5\]"):
        terms(Market(**(fields | {"power": np.ones((5, 2))})), Links.of(DENSE))
