"""Synthetic cities: the nearest BSs as brute force finds them, and the density that was asked for."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from strategies import calls
from twinoffload.network import city
from twinoffload.network.geometry import distances
from twinoffload.network.path_loss import PowerLaw


@calls(60)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 8), st.integers(0, 2**31), st.booleans())
def test_the_nearest_are_those_of_brute_force(maps, stations, k, seed, clustered):
    generator = torch.Generator().manual_seed(seed)
    places = [torch.rand(count, 2, dtype=torch.float64, generator=generator) * 1000 for count in (maps, stations)]
    if clustered:  # most cells are empty, so rings have to grow
        places[1] = places[1] * 0.05
    k = min(k, stations)
    station, distance = city.nearest(city.City(1000.0, *places), k)
    expected = distances(*places, 0.0)
    assert torch.allclose(distance.sort().values, expected.sort().values[:, :k], rtol=1e-14)
    assert torch.equal(expected.gather(1, station).sort().values, expected.sort().values[:, :k])
    assert bool((station[:, 1:] > station[:, :-1]).all())


def test_gains_are_the_scenarios():
    made, law = city.scatter(300, 150, 3000.0, seed=4), PowerLaw(exponent=3.0)
    gain = city.gain(made, 5, law, 100.0)
    dense = law.gain(distances(made.maps, made.stations, 100.0))
    assert gain.shape == dense.shape == (300, 150)
    stored = gain.to_dense()
    assert torch.allclose(stored[stored > 0], dense[stored > 0], rtol=1e-14)
    assert torch.equal(stored.amax(1), stored.topk(5).values[:, 0])
    assert bool((stored.topk(5).values[:, -1] >= torch.where(stored > 0, 0.0, dense).amax(1)).all())


def test_a_citys_density_and_order():
    made = city.scatter(4000, 400, 4000.0, seed=1)
    assert len(made.stations) == 400
    assert made.side_m == pytest.approx(4000.0)
    for places in (made.maps, made.stations):
        assert bool(((places >= 0) & (places <= made.side_m)).all())
        assert float((places[1:] - places[:-1]).norm(dim=-1).median()) < 300.0  # neighbours have near numbers
    assert torch.equal(made.maps, city.scatter(4000, 400, 4000.0, seed=1).maps)
    assert not torch.equal(made.maps, city.scatter(4000, 400, 4000.0, seed=2).maps)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: city.scatter(0, 5, 1.0), "maps = 0"),
        (lambda: city.scatter(10, 0, 1.0), "stations = 0"),
        (lambda: city.scatter(10, 5, -1.0), "side_m = -1.0"),
        (lambda: city.nearest(city.scatter(10, 5, 1000.0), 6), r"k = 6: must be an integer in 1..5"),
    ],
)
def test_bad_numbers_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
