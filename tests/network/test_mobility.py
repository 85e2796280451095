"""Gauss-Markov mobility: stationary from the first slot, inside the square, mirrored at its walls."""

import math

import pytest
import torch

from twinoffload.network.mobility import GaussMarkov, reflect

PAPER = GaussMarkov()


def walk(count=2000, slots=40, side=400.0, seed=0, slot=1.0, model=PAPER):
    return model.trajectory((count, 2), slots, slot, side, torch.Generator().manual_seed(seed))


def test_shapes_types_and_seed():
    positions, velocities = walk(count=3, slots=5)
    assert positions.shape == velocities.shape == (5, 3, 2, 2)
    assert positions.dtype == velocities.dtype == torch.float64
    assert torch.equal(positions, walk(count=3, slots=5)[0])
    assert not torch.equal(positions, walk(count=3, slots=5, seed=1)[0])


@pytest.mark.parametrize("side", [1e9, 400.0], ids=["far from walls", "paper"])
def test_speed_is_15_metres_a_second_rms_in_every_slot_and_zero_in_the_mean(side):
    _, velocities = walk(count=10_000, slots=30, side=side)
    for slot in (0, 1, 5, 29):
        squared = velocities[slot].square().sum(-1)
        error = float(squared.std()) / math.sqrt(squared.numel())
        assert float(squared.mean()) == pytest.approx(225.0, abs=4 * error)
        mean = velocities[slot].mean((0, 1))
        assert mean.abs().max() < 4 * 15 / math.sqrt(2) / math.sqrt(20_000)


def test_velocity_remembers_nine_tenths_and_components_are_independent():
    _, velocities = walk(count=10_000, slots=12, side=1e9)
    error = 4 / math.sqrt(40_000)
    flat = velocities.flatten(1)
    for lag in (1, 2, 10):
        correlation = float(torch.corrcoef(torch.stack((flat[0], flat[lag])))[0, 1])
        assert correlation == pytest.approx(0.9**lag, abs=error)
    across = torch.corrcoef(velocities[3].reshape(-1, 2).T)[0, 1]
    assert abs(float(across)) < 4 / math.sqrt(20_000)
    steps = (velocities[1:] - 0.9 * velocities[:-1]) / math.sqrt(0.19)
    assert float(steps.std()) == pytest.approx(15 / math.sqrt(2), rel=0.01)


def test_positions_advance_by_velocity_times_slot():
    positions, velocities = walk(count=100, slots=10, side=1e9, slot=0.5)
    moved = positions[1:] - positions[:-1]
    torch.testing.assert_close(moved, velocities[1:] * 0.5, rtol=0, atol=1e-6)


def test_everybody_stays_in_the_square_and_walls_are_met():
    positions, velocities = walk(count=1000, slots=100, side=100.0)
    assert float(positions.min()) >= 0
    assert float(positions.max()) <= 100
    moved = positions[1:] - positions[:-1]
    mirrored = (moved - velocities[1:]).abs() > 1e-9
    assert mirrored.double().mean() > 0.02
    start, end = positions[0], positions[-1]
    for where in (start, end):  # uniform remains uniform
        assert float(where.mean()) == pytest.approx(50, abs=4 * 100 / math.sqrt(12 * 4000))
        assert float(where.var()) == pytest.approx(100**2 / 12, rel=0.08)


def test_reflection_mirrors_one_component_and_reverses_its_velocity_only():
    position = torch.tensor([[-3.0, 5.0], [12.0, 5.0], [4.0, -1.0], [4.0, 5.0]], dtype=torch.float64)
    velocity = torch.tensor([[-7.0, 2.0], [7.0, 2.0], [1.0, -2.0], [1.0, 2.0]], dtype=torch.float64)
    where, how = reflect(position, velocity, 10.0)
    assert where.tolist() == [[3.0, 5.0], [8.0, 5.0], [4.0, 1.0], [4.0, 5.0]]
    assert how.tolist() == [[7.0, 2.0], [-7.0, 2.0], [1.0, 2.0], [1.0, 2.0]]


def test_a_long_step_bounces_back_and_forth():
    far = torch.tensor([[25.0, -25.0]], dtype=torch.float64)
    speed = torch.tensor([[30.0, -30.0]], dtype=torch.float64)
    where, how = reflect(far, speed, 10.0)
    assert where.tolist() == [[5.0, 5.0]]  # 25 -> 20 - 25 = -5 -> 5: two walls; -25 -> 25 -> -5 -> 5: three walls
    assert how.tolist() == [[30.0, 30.0]]


def test_no_speed_means_nobody_moves_and_no_memory_means_fresh_velocities():
    positions, velocities = walk(model=GaussMarkov(speed_rms_mps=0.0), slots=5)
    assert (velocities == 0).all()
    assert torch.equal(positions[0], positions[4])
    _, fresh = walk(model=GaussMarkov(memory=0.0), count=10_000, slots=2, side=1e9)
    assert abs(float(torch.corrcoef(fresh.flatten(1))[0, 1])) < 4 / math.sqrt(40_000)
