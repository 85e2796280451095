"""A scenario with its units and bounds, from a preset or a YAML file."""

import math
import os
from typing import TYPE_CHECKING, Any

import torch
import yaml
from pydantic import ValidationError
from torch import Tensor

from twinoffload.files import write_text
from twinoffload.game.accuracy_law import first_slope
from twinoffload.game.market import Market
from twinoffload.network.geometry import distances, station_positions, uniform_positions
from twinoffload.network.trace import Part
from twinoffload.scenario.fields import Fields
from twinoffload.scenario.files import bring_in
from twinoffload.scenario.values import Uniform, repeat
from twinoffload.seeding import integer, stream
from twinoffload.units import METRES_PER_KILOMETRE, noise_power
from twinoffload.yaml_files import Kind, explain

if TYPE_CHECKING:
    from twinoffload.network.city import City

PRESETS = ("paper", "open", "private", "city")
FILES = Kind("scenario", "twinoffload", PRESETS, "a preset, `twinoffload presets`", named=True, bring_in=bring_in)


class Scenario(Fields):
    """One network, its prices' bounds and its channels. A list of values repeats over the mAPs or the BSs."""

    @classmethod
    def load(cls, source: str | os.PathLike[str]) -> "Scenario":
        """A preset by name, "paper", "open", "private" or "city", or a YAML file, which may extend either kind.

        Raises:
            ValueError: unknown preset, no such file, or a bad field; one line naming the place and the remedy.
        """
        return cls._from_values(str(source), FILES.read(source))

    def replace(self, **changes: Any) -> "Scenario":
        """A copy with some fields changed, checked like a new one.

        Raises:
            ValueError: unknown field or a value out of bounds.
        """
        of_gains = {"maps": None, "stations": None} if changes.get("gains") is not None else {}
        return self._from_values(self.name, self.model_dump() | of_gains | changes)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write every field as YAML, whole or not at all."""
        write_text(path, self.to_yaml())

    def to_yaml(self) -> str:
        """Every field as YAML text that `load` reads back."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)

    @classmethod
    def _from_values(cls, source: str, values: dict[str, Any]) -> "Scenario":
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ValueError(f"scenario {source}: {explain(error, cls)}") from None

    def market(self) -> Market:
        """The parameters of one slot: private values at their means, raw data at its largest."""
        return self._market({}, self._series("task_size", self.maps))

    def sample_market(self, count: int, seed: int = 0) -> Market:
        """Parameters of `count` independent slots, drawn where the scenario draws them; batch axis [count]."""
        return self.draw_market((count,), stream(seed, "market"))

    def draw_market(self, batch: tuple[int, ...], generator: torch.Generator) -> Market:
        """Parameters with private values and raw data drawn independently for each batch element and mAP."""
        shape = (*batch, self.maps)
        drawn = {}
        for name in ("accuracy_value", "delay_cost"):
            value = getattr(self, name)
            if isinstance(value, Uniform):
                drawn[name] = value.draw(shape, generator)
        return self._market(drawn, self.draw_raw_data(batch, generator))

    def draw_raw_data(self, batch: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Raw task sizes o of one slot in MB, `[*batch, N]`; the same everywhere where they are fixed."""
        largest = self._series("task_size", self.maps).expand(*batch, self.maps)
        if self.raw_data == "fixed":
            return largest
        return largest * torch.rand(largest.shape, dtype=torch.float64, generator=generator)

    @property
    def is_private(self) -> bool:
        """Whether mAPs know something of their own worth that the operator does not."""
        return isinstance(self.accuracy_value, Uniform) or isinstance(self.delay_cost, Uniform)

    def sample_gain(self, count: int, seed: int = 0, part: Part = "training") -> Tensor:
        """Channel power gains of independent slot-0 snapshots, float64 `[count, N, M]`; of a trace, slots of one part.

        Raises:
            ValueError: bad count or seed, or fewer `station_positions` than BSs.
        """
        count = integer("count", count, 1)
        if self.gains is not None:
            return self.gains.snapshots(count, stream(seed, "snapshots"), part)
        return self.gain_at(uniform_positions((count, self.maps), self.side, stream(seed, "snapshots")))

    def sample_episode(
        self, episodes: int, slots: int, generator: torch.Generator, part: Part = "training"
    ) -> tuple[Tensor, Tensor]:
        """Positions in m `[slots, episodes, N, 2]` and gains `[slots, episodes, N, M]` along trajectories.

        Of a trace, windows of one part; it has no positions, so these are NaN.
        """
        shape = (episodes, self.maps)
        if self.gains is not None:
            unknown = torch.full((1, 1, 1, 1), torch.nan, dtype=torch.float64)
            return unknown.expand(slots, *shape, 2), self.gains.windows(episodes, slots, generator, part)
        positions, _ = self.mobility.trajectory(shape, slots, self.slot, self.side, generator)
        return positions, self.gain_at(positions)

    def gain_at(self, positions: Tensor) -> Tensor:
        """Channel power gain of mAPs at positions in m, `[..., N, 2]` to `[..., N, M]`."""
        return self.path_loss.gain(distances(positions, self.layout(), self.height))

    def sample_city(self, seed: int = 0) -> "tuple[City, Tensor]":
        """A synthetic city and the channel power gains of each mAP at its nearest BSs.

        Returns:
            Positions, and gains as a sparse CSR tensor `[N, M]` that `solve` takes.

        Raises:
            ValueError: a bad seed, fewer BSs than candidates, or a layout that is listed.
        """
        if self.station_layout == "listed":
            raise ValueError(f"scenario {self.name}: its BSs are listed; a city needs `station_layout: scattered`")
        from twinoffload.network import city  # compiled code, which is slow to import

        side_m = self.side if self.density is None else METRES_PER_KILOMETRE * math.sqrt(self.stations / self.density)
        made = city.scatter(self.maps, self.stations, side_m, seed)
        return made, city.gain(made, min(self.candidates, self.stations), self.path_loss, self.height)

    @property
    def highest_price(self) -> float:
        """The end of the operator's range: the cap, or max K over all that may be drawn where there is none."""
        if self.price_cap is not None:
            return self.price_cap
        worth = self.accuracy_value.uniform[1] if isinstance(self.accuracy_value, Uniform) else self.accuracy_value
        steepness = self._series("accuracy_weight", self.stations) * self._series("quality", self.stations)
        return float(
            max(worth[: self.maps] if isinstance(worth, tuple) else (worth,))
            * (first_slope(self.accuracy_law) * steepness).max()
        )

    def check_episodes(self) -> None:
        """Refuse, before any work, channels along which no episode can be drawn.

        Raises:
            ValueError: a city, fewer positions than BSs, or a trace too short for the slots of an episode.
        """
        if self.gains is None:
            self.layout()
        else:
            self.gains.check(self.slots)

    def layout(self) -> Tensor:
        """Positions of the BSs in m, `[M, 2]`.

        Raises:
            ValueError: fewer positions than BSs, or none because the gains are measured.
        """
        if self.gains is not None:
            raise ValueError(f"scenario {self.name}: its gains are measured and tell no positions, which this needs")
        if self.station_layout == "scattered":
            raise ValueError(f"scenario {self.name}: is a city, whose BSs have no fixed positions; see `sample_city`")
        if self.stations > len(self.station_positions):
            raise ValueError(
                f"scenario {self.name}: stations = {self.stations}, but station_positions lists "
                f"{len(self.station_positions)}; add positions"
            )
        return station_positions(list(self.station_positions[: self.stations]), self.side)

    def _series(self, name: str, length: int) -> Tensor:
        """A number or a repeating list as float64 `[length]`, rows as `[N, M]`; the mean of a drawn value."""
        value = getattr(self, name)
        if isinstance(value, Uniform):
            value = value.mean
        return repeat(value, length, self.stations)

    def _market(self, drawn: dict[str, Tensor], raw_data: Tensor) -> Market:
        per_map = {name: self._series(name, self.maps) for name in ("power", "cycles", "accuracy_value", "delay_cost")}
        per_station = {
            name: self._series(name, self.stations) for name in ("bandwidth", "compute", "quality", "accuracy_weight")
        }
        return Market(
            **(per_map | drawn | per_station),
            noise=noise_power(per_station["bandwidth"], self.noise_density, self.noise_figure),
            energy_coefficient=self.energy_coefficient,
            raw_data=raw_data,
            price_cap=self.price_cap,
            idle_interferes=self.idle_interferes,
            law=self.accuracy_law,
        )
