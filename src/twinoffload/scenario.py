"""What a study may vary: a scenario with its units and bounds, from a preset or a YAML file."""

import math
import os
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import torch
import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
)
from torch import Tensor

from twinoffload.files import write_text
from twinoffload.game.accuracy_law import EQ_7, Exponential, PowerLaw, first_slope
from twinoffload.game.market import Market
from twinoffload.network.geometry import distances, station_positions, uniform_positions
from twinoffload.network.mobility import GaussMarkov
from twinoffload.network.path_loss import PowerLaw as PathLoss
from twinoffload.seeding import stream
from twinoffload.units import noise_power
from twinoffload.yaml_files import Kind, explain

if TYPE_CHECKING:
    from twinoffload.network.city import City

PRESETS = ("paper", "open", "private", "city")
_FILES = Kind("scenario", "twinoffload", PRESETS, "a preset, `twinoffload presets`", named=True)


class Uniform(BaseModel):
    """A value drawn uniformly for each mAP and episode and seen by that mAP alone: `{uniform: [low, high]}`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    uniform: tuple[float, float]

    @property
    def mean(self) -> float:
        """The middle of the range."""
        return sum(self.uniform) / 2

    def draw(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Independent values, float64 of a shape."""
        low, high = self.uniform
        return low + (high - low) * torch.rand(shape, dtype=torch.float64, generator=generator)


def _no_bool(value: Any) -> Any:
    """YAML's yes and no are not numbers."""
    if isinstance(value, bool) or (isinstance(value, list | tuple) and any(isinstance(v, bool) for v in value)):
        raise ValueError("must be a number, not true or false")
    return value.tolist() if isinstance(value, torch.Tensor | np.ndarray) else value


Number = Annotated[float, BeforeValidator(_no_bool)]
Series = Annotated[float | tuple[float, ...], BeforeValidator(_no_bool)]


class Scenario(BaseModel):
    """One network, its prices' bounds and its mobility. A list of values repeats over the mAPs or the BSs."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)

    name: str = Field("custom", min_length=1, max_length=64, pattern=r"^[\w.-]+$", description="label of the scenario")
    maps: int = Field(4, ge=1, le=1_000_000, strict=True, description="number of mAPs, N")
    stations: int = Field(2, ge=1, le=1_000_000, strict=True, description="number of BSs, M")
    power: Series = Field(0.2, description="transmit power p of each mAP, W, in (0, 100]")
    bandwidth: Series = Field(5.0, description="bandwidth W of each BS, MHz, in (0, 10000]")
    noise_density: Number = Field(-174.0, ge=-220, le=-80, description="noise density, dBm/Hz")
    noise_figure: Number = Field(5.0, ge=0, le=40, description="receiver noise figure, dB")
    compute: Series = Field(20.0, description="computing capability f of a core of each BS, Gcycle/s, in (0, 100000]")
    cycles: Series = Field((1.6, 2.1), description="cycles per data c of each mAP, Gcycle/MB, in [0, 10000]")
    quality: Series = Field((0.64, 0.84), description="model quality x of each BS, in (0, 100]")
    accuracy_weight: Series = Field(1.0, description="accuracy weight rho of each BS, 1/MB, in (0, 1000]")
    accuracy_law: Exponential | PowerLaw = Field(
        EQ_7,
        discriminator="kind",
        description="accuracy phi against v = rho x Z: exponential (Eq. 7) with a ceiling, or power with an exponent "
        "and a ceiling; ceiling in (0, 1], exponent above 0",
    )
    accuracy_value: Series | Uniform = Field(10.0, description="weight of accuracy gamma^A, money, in (0, 1e6]")
    delay_cost: Series | Uniform = Field(1.0, description="weight of delay gamma^D, money/s, in [0, 1e6]")
    energy_coefficient: Number = Field(
        2.5e-4, ge=0, le=1e3, description="energy coefficient epsilon, money s^2/Gcycle^3"
    )
    price_cap: Number | None = Field(1.25, ge=0, le=1e6, description="highest price, money/MB; null: no cap")
    raw_data: Literal["fixed", "uniform"] = Field(
        "fixed", description="raw task size o: fixed at task_size, or drawn per slot in [0, task_size] and seen"
    )
    task_size: Series = Field(5.0, description="(largest) raw task size o of each mAP, MB, in [0, 1e6]")
    idle_interferes: bool = Field(True, strict=True, description="whether an mAP without data still interferes")
    station_layout: Literal["listed", "scattered"] = Field(
        "listed", description="BSs at `station_positions`, or independent and uniform in the square: a city"
    )
    density: Number | None = Field(
        None, gt=0, le=1e6, description="BSs in a km² of a scattered layout, from which its side follows; null: `side`"
    )
    candidates: int = Field(4, ge=1, le=1000, strict=True, description="nearest BSs that an mAP of a city may use")
    side: Number = Field(400.0, gt=0, le=1e6, description="side of the square, m")
    station_positions: tuple[tuple[float, float], ...] = Field(
        ((0.25, 0.25), (0.75, 0.75), (0.25, 0.75), (0.75, 0.25)),
        description="positions of the BSs as fractions of the side; the first M are used",
    )
    height: Number = Field(100.0, ge=0, le=1e5, description="difference in height of the antennas, m")
    path_loss: PathLoss = Field(default_factory=PathLoss, description="channel gain against distance")
    mobility: GaussMarkov = Field(default_factory=GaussMarkov, description="how mAPs move")
    slot: Number = Field(1.0, gt=0, le=1e5, description="length of a slot, s")
    slots: int = Field(100, ge=1, le=1_000_000, strict=True, description="slots of an episode")

    @field_validator("power", "bandwidth", "compute", "quality", "accuracy_weight", "cycles", "task_size")
    @classmethod
    def _series_in_bounds(cls, value: Any, info: Any) -> Any:
        return _within(value, _BOUNDS[info.field_name])

    @field_validator("accuracy_value", "delay_cost")
    @classmethod
    def _value_in_bounds(cls, value: Any, info: Any) -> Any:
        if isinstance(value, Uniform):
            if value.uniform[0] > value.uniform[1]:
                raise ValueError("must be [low, high] with low <= high")
            _within(value.uniform, _BOUNDS[info.field_name])
            return value
        return _within(value, _BOUNDS[info.field_name])

    @field_validator("station_positions")
    @classmethod
    def _inside_square(cls, value: Any) -> Any:
        if not value or any(not 0 <= c <= 1 for position in value for c in position):
            raise ValueError("must be pairs of fractions in [0, 1]")
        return value

    @classmethod
    def load(cls, source: str | os.PathLike[str]) -> "Scenario":
        """A preset by name, "paper", "open", "private" or "city", or a YAML file, which may extend either kind.

        Raises:
            ValueError: unknown preset, no such file, or a bad field; one line naming the place and the remedy.
        """
        return cls._from_values(str(source), _FILES.read(source))

    def replace(self, **changes: Any) -> "Scenario":
        """A copy with some fields changed, checked like a new one.

        Raises:
            ValueError: unknown field or a value out of bounds.
        """
        return self._from_values(self.name, self.model_dump() | changes)

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

    @model_serializer(mode="wrap")
    def _without_eq_7(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Eq. 7 is left out, so that scenarios read as they did when there was no other law."""
        values = serialise(self)
        if self.accuracy_law == EQ_7:
            values.pop("accuracy_law", None)
        return values

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

    def sample_gain(self, count: int, seed: int = 0) -> Tensor:
        """Channel power gains of independent slot-0 snapshots, float64 `[count, N, M]`.

        Raises:
            ValueError: bad count or seed, or fewer `station_positions` than BSs.
        """
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ValueError(f"count = {count!r}: must be an integer of at least 1")
        return self.gain_at(uniform_positions((count, self.maps), self.side, stream(seed, "snapshots")))

    def sample_episode(self, episodes: int, slots: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Positions in m `[slots, episodes, N, 2]` and gains `[slots, episodes, N, M]` along trajectories."""
        shape = (episodes, self.maps)
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

        side_m = self.side if self.density is None else 1000.0 * math.sqrt(self.stations / self.density)
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
            max(worth if isinstance(worth, tuple) else (worth,)) * (first_slope(self.accuracy_law) * steepness).max()
        )

    def layout(self) -> Tensor:
        """Positions of the BSs in m, `[M, 2]`.

        Raises:
            ValueError: fewer positions than BSs.
        """
        if self.station_layout == "scattered":
            raise ValueError(f"scenario {self.name}: is a city, whose BSs have no fixed positions; see `sample_city`")
        if self.stations > len(self.station_positions):
            raise ValueError(
                f"scenario {self.name}: stations = {self.stations}, but station_positions lists "
                f"{len(self.station_positions)}; add positions"
            )
        return station_positions(list(self.station_positions[: self.stations]), self.side)

    def _series(self, name: str, length: int) -> Tensor:
        """A number or a repeating list as float64 `[length]`; the mean of a drawn value."""
        value = getattr(self, name)
        if isinstance(value, Uniform):
            value = value.mean
        values = value if isinstance(value, tuple) else (value,)
        return torch.tensor([values[i % len(values)] for i in range(length)], dtype=torch.float64)

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


# field -> (lowest, highest, whether the lowest itself is allowed)
_BOUNDS = {
    "power": (0, 100, False),
    "bandwidth": (0, 10_000, False),
    "compute": (0, 100_000, False),
    "cycles": (0, 10_000, True),
    "quality": (0, 100, False),
    "accuracy_weight": (0, 1000, False),
    "accuracy_value": (0, 1e6, False),
    "delay_cost": (0, 1e6, True),
    "task_size": (0, 1e6, True),
}


def _within(value: float | tuple[float, ...], bounds: tuple[float, float, bool]) -> Any:
    low, high, closed = bounds
    values = value if isinstance(value, tuple) else (value,)
    if not values:
        raise ValueError("must have at least one value")
    for v in values:
        if not ((v >= low if closed else v > low) and v <= high):
            raise ValueError(f"must be in {'[' if closed else '('}{low:g}, {high:g}]")
    return value
