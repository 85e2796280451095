"""What nature fixes before anybody acts: trajectories, channels and private values of a batch of episodes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from twinoffload.game.terms import Terms
from twinoffload.network.trace import Part
from twinoffload.scenario import Scenario


@dataclass(frozen=True)
class Episodes:
    """A batch of episodes; `[...]` are the batch axes.

    Attributes:
        scenario: where they come from.
        positions: of the mAPs in m, float64 `[slots, ..., N, 2]`; NaN where gains are measured.
        gain: channel power gains, float64 `[slots, ..., N, M]`.
        parameters: the game's parameters, the same in all slots of an episode but for `raw_data`.
        raw_data: Zmax in MB, float64 `[slots, ..., N, 1]`.
    """

    scenario: Scenario
    positions: Tensor
    gain: Tensor
    parameters: Terms
    raw_data: Tensor

    @property
    def batch(self) -> torch.Size:
        """The batch axes."""
        return self.gain.shape[1:-2]

    def terms(self, slot: int) -> Terms:
        """The parameters of the game in one slot, broadcastable to `[..., N, M]`."""
        return replace(self.parameters, raw_data=self.raw_data[slot])

    def public_terms(self, slot: int) -> Terms:
        """The same as far as the operator knows them: values private to the mAPs at their means."""
        if not self.scenario.is_private:
            return self.terms(slot)
        known = self.scenario.market().terms(self.scenario.maps, self.scenario.stations, self.gain.device)
        return replace(self.terms(slot), accuracy_value=known.accuracy_value, delay_cost=known.delay_cost)


def draw_episodes(
    scenario: Scenario,
    count: int,
    generators: Sequence[torch.Generator],
    *,
    slots: int | None = None,
    device: torch.device | str = "cpu",
    part: Part = "training",
) -> Episodes:
    """Independent episodes, batch axes [seeds, count]; each seed draws from its own generator alone.

    Args:
        scenario: what is drawn.
        count: episodes for each seed.
        generators: one for each seed.
        slots: slots of each; the scenario's where it is None.
        device: where the tensors go; all drawing is done on the CPU.
        part: of a trace, which slots may be seen.
    """
    slots = scenario.slots if slots is None else slots
    drawn = [_draw(scenario, count, slots, generator, part) for generator in generators]
    positions, gain, raw_data = (torch.stack(column, dim=1).to(device) for column in list(zip(*drawn, strict=True))[:3])
    parameters = _stack([row[3] for row in drawn]).to(device)
    return Episodes(scenario, positions, gain, parameters, raw_data)


def _draw(
    scenario: Scenario, count: int, slots: int, generator: torch.Generator, part: Part
) -> tuple[Tensor, Tensor, Tensor, Terms]:
    positions, gain = scenario.sample_episode(count, slots, generator, part)
    size = (scenario.maps, scenario.stations)
    terms = scenario.draw_market((count,), generator).terms(*size)
    if scenario.raw_data == "uniform":
        raw = torch.stack([scenario.draw_raw_data((count,), generator) for _ in range(slots)]).unsqueeze(-1)
    else:
        raw = terms.raw_data.expand(slots, count, scenario.maps, 1)
    return positions, gain, raw, terms


def _stack(rows: list[Terms]) -> Terms:
    """Parameters of several seeds, batch axes [seeds, count]; what no seed varies keeps a single row."""
    first = rows[0]

    def stacked(name: str) -> Tensor:
        tensors = [getattr(row, name) for row in rows]
        return tensors[0] if tensors[0].ndim == 2 else torch.stack(tensors)

    return replace(first, **{name: stacked(name) for name in first.tensors()})
