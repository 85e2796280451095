"""Drives of all mAPs through a world: where they are, their channels, and what they ask of the cells."""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from twinoffload.equilibrium.dispatch import strongest_station
from twinoffload.game.terms import Terms
from twinoffload.network import link, pilots
from twinoffload.network.shadowing import Fields, draw_fields
from twinoffload.scenario import Scenario
from twinoffload.units import db_to_linear

SHADOWING_DB, SHADOWING_M = 4.0, 50.0  # deviation, correlation distance: 3GPP TR 38.901, UMa with line of sight
DEMAND_M = 100.0  # correlation distance of what mAPs ask: hot spots are about as wide
SUBCARRIERS = 16  # of a snapshot of pilots


@dataclass(frozen=True, eq=False)
class World:
    """What stays at its place: shadowing towards each BS, and how much mAPs ask where.

    Attributes:
        scenario: whose network it is.
        shadowing: a field for each BS.
        demand: one field.
    """

    scenario: Scenario
    shadowing: Fields
    demand: Fields


def draw_world(scenario: Scenario, generator: torch.Generator) -> World:
    """A world of a scenario."""
    shadowing = draw_fields(scenario.stations, SHADOWING_M, generator)
    return World(scenario, shadowing, draw_fields(1, DEMAND_M, generator))


@dataclass(frozen=True, eq=False)
class Drives:
    """Independent drives, axes [slots, drives]; mAP 0 of each is the one that gathers data.

    Attributes:
        world: through which they lead.
        position: in m, `[T, E, N, 2]`.
        velocity: in m/s, `[T, E, N, 2]`.
        gain: mean channel power gain: path loss and shadowing, `[T, E, N, M]`.
        offered: what each mAP asks in a slot in MB, `[T, E, N]`: uniform in [0, o] over all places, as under
            `raw_data: uniform`, and fixed at each place.
        pilots: channel gains as measured over subcarriers, `[T, E, N, M, SUBCARRIERS]`.
    """

    world: World
    position: Tensor
    velocity: Tensor
    gain: Tensor
    offered: Tensor
    pilots: Tensor

    @cached_property
    def terms(self) -> Terms:
        """The scenario's parameters, broadcastable to `[T, E, N, M]`."""
        return _terms(self.world.scenario)

    @cached_property
    def association(self) -> Tensor:
        """Everybody is on the BS of the strongest mean gain, int64 `[T, E, N]`."""
        return strongest_station(self.gain)

    @cached_property
    def connected(self) -> Tensor:
        """Whether mAP n is on BS m, `[T, E, N, M]`."""
        return link.connected(self.association, self.gain.shape[-1])

    @cached_property
    def received(self) -> Tensor:
        """Power in W of each mAP at each BS, `[T, E, N, M]`."""
        return self.terms.power * self.gain

    @property
    def load(self) -> Tensor:
        """What is asked of each cell in MB a slot, `[T, E, M]`."""
        return (self.connected * self.offered.unsqueeze(-1)).sum(-2)

    @property
    def sinr(self) -> Tensor:
        """Of mAP 0 at its BS, `[T, E]`."""
        ratio = link.sinr(self.received, link.interference(self.received, self.connected), self.terms.noise)
        return ratio[..., 0, :].gather(-1, self.association[..., :1]).squeeze(-1)


def drive(world: World, count: int, slots: int, generator: torch.Generator) -> Drives:
    """Draw drives of all mAPs."""
    scenario, terms = world.scenario, _terms(world.scenario)
    shape = (count, scenario.maps)
    position, velocity = scenario.mobility.trajectory(shape, slots, scenario.slot, scenario.side, generator)
    gain = scenario.gain_at(position) * db_to_linear(SHADOWING_DB * world.shadowing.at(position))
    share = 0.5 * (1.0 + torch.erf(world.demand.at(position).squeeze(-1) / math.sqrt(2.0)))
    measured = pilots.measure(gain, terms.power, terms.noise, terms.bandwidth, SUBCARRIERS, generator)
    return Drives(world, position, velocity, gain, share * terms.raw_data.squeeze(-1), measured)


def _terms(scenario: Scenario) -> Terms:
    return scenario.market().terms(scenario.maps, scenario.stations)


def to_db(ratio: Tensor) -> Tensor:
    """Decibels of power ratios or of watts."""
    return 10.0 * torch.log10(ratio)
