"""The fields of a scenario: their kinds, units, bounds and meaning."""

import os
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from twinoffload.game.accuracy_law import EQ_7, Exponential, PowerLaw
from twinoffload.network.mobility import GaussMarkov
from twinoffload.network.path_loss import PowerLaw as PathLoss
from twinoffload.network.trace import Trace
from twinoffload.scenario.files import VALUE_FIELDS
from twinoffload.scenario.values import Number, Series, Table, Uniform, limits, series, within

_DBM_PER_HZ: dict[str, Any] = {"unit": "dBm/Hz"}
_METRES: dict[str, Any] = {"unit": "m"}


class Fields(BaseModel):
    """What a scenario states. A list of values repeats over the mAPs or the BSs."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)

    name: str = Field("custom", min_length=1, max_length=64, pattern=r"^[\w.-]+$", description="label of the scenario")
    maps: int = Field(4, ge=1, le=1_000_000, strict=True, description="number of mAPs, N")
    stations: int = Field(2, ge=1, le=1_000_000, strict=True, description="number of BSs, M")
    power: Series = series(0.2, "transmit power p of each mAP", "W", 0, 100, above=True)
    bandwidth: Series = series(5.0, "bandwidth W of each BS", "MHz", 0, 10_000, above=True)
    noise_density: Number = Field(-174.0, ge=-220, le=-80, description="noise density", json_schema_extra=_DBM_PER_HZ)
    noise_figure: Number = Field(
        5.0, ge=0, le=40, description="receiver noise figure", json_schema_extra={"unit": "dB"}
    )
    compute: Series = series(20.0, "computing capability f of a core of each BS", "Gcycle/s", 0, 100_000, above=True)
    cycles: Table = series((1.6, 2.1), "cycles per data c of each mAP", "Gcycle/MB", 0, 10_000)  # rows: on each BS
    quality: Series = series((0.64, 0.84), "model quality x of each BS", "", 0, 100, above=True)
    accuracy_weight: Series = series(1.0, "accuracy weight rho of each BS", "1/MB", 0, 1000, above=True)
    accuracy_law: Exponential | PowerLaw = Field(
        EQ_7,
        discriminator="kind",
        description="accuracy phi against v = rho x Z: exponential (Eq. 7) with a ceiling, or power with an exponent "
        "and a ceiling; ceiling in (0, 1], exponent above 0",
    )
    accuracy_value: Series | Uniform = series(10.0, "weight of accuracy gamma^A", "money", 0, 1e6, above=True)
    delay_cost: Series | Uniform = series(1.0, "weight of delay gamma^D", "money/s", 0, 1e6)
    energy_coefficient: Number = Field(
        2.5e-4, ge=0, le=1e3, description="energy coefficient epsilon", json_schema_extra={"unit": "money s^2/Gcycle^3"}
    )
    price_cap: Number | None = Field(
        1.25, ge=0, le=1e6, description="highest price; null: no cap", json_schema_extra={"unit": "money/MB"}
    )
    raw_data: Literal["fixed", "uniform"] = Field(
        "fixed", description="raw task size o: fixed at task_size, or drawn per slot in [0, task_size] and seen"
    )
    task_size: Series = series(5.0, "(largest) raw task size o of each mAP", "MB", 0, 1e6)
    idle_interferes: bool = Field(True, strict=True, description="whether an mAP without data still interferes")
    gains: Trace | None = Field(
        None,
        description="measured gains `[T, N, M]` in place of layout, path loss and mobility; a file, or "
        "`{file: ..., training_share: 0.8, floor: ...}`",
    )
    station_layout: Literal["listed", "scattered"] = Field(
        "listed", description="BSs at `station_positions`, or independent and uniform in the square: a city"
    )
    density: Number | None = Field(
        None,
        gt=0,
        le=1e6,
        description="BSs in a km² of a scattered layout, from which its side follows; null: `side`",
    )
    candidates: int = Field(4, ge=1, le=1000, strict=True, description="nearest BSs that an mAP of a city may use")
    side: Number = Field(400.0, gt=0, le=1e6, description="side of the square", json_schema_extra=_METRES)
    station_positions: tuple[tuple[float, float], ...] = Field(
        ((0.25, 0.25), (0.75, 0.75), (0.25, 0.75), (0.75, 0.25)),
        description="positions of the BSs as fractions of the side; the first M are used",
        json_schema_extra={"each": {"minimum": 0, "maximum": 1}},
    )
    height: Number = Field(
        100.0, ge=0, le=1e5, description="difference in height of the antennas", json_schema_extra=_METRES
    )
    path_loss: PathLoss = Field(default_factory=PathLoss, description="channel gain against distance")
    mobility: GaussMarkov = Field(default_factory=GaussMarkov, description="how mAPs move")
    slot: Number = Field(1.0, gt=0, le=1e5, description="length of a slot", json_schema_extra={"unit": "s"})
    slots: int = Field(100, ge=1, le=1_000_000, strict=True, description="slots of an episode")

    @field_validator(*VALUE_FIELDS)
    @classmethod
    def _in_bounds(cls, value: Any, info: Any) -> Any:
        if isinstance(value, Uniform):
            if value.uniform[0] > value.uniform[1]:
                raise ValueError("must be [low, high] with low <= high")
            within(value.uniform, limits(cls.model_fields[info.field_name]))
            return value
        return within(value, limits(cls.model_fields[info.field_name]))

    @field_validator("gains", mode="before")
    @classmethod
    def _named_file(cls, value: Any) -> Any:
        return {"file": value} if isinstance(value, str | os.PathLike) else value

    @model_validator(mode="before")
    @classmethod
    def _sizes_of_gains(cls, values: Any) -> Any:
        """Numbers of mAPs and BSs that are not stated are those of the gains."""
        if not isinstance(values, dict) or values.get("gains") is None:
            return values
        values = {
            name: value for name, value in values.items() if value is not None or name not in ("maps", "stations")
        }
        try:
            trace = Trace.model_validate(cls._named_file(values["gains"]))
        except ValidationError:  # told where the field itself is looked at
            return values
        _, maps, stations = trace.gains.gain.shape
        return {"maps": maps, "stations": stations} | values | {"gains": trace}

    @model_validator(mode="after")
    def _fits_gains(self) -> "Fields":
        if self.gains is None:
            return self
        if self.station_layout == "scattered":
            raise ValueError("gains and station_layout: scattered exclude each other; leave one out")
        _, maps, stations = self.gains.gains.gain.shape
        for name, stated, found in (("maps", self.maps, maps), ("stations", self.stations, stations)):
            if stated != found:
                raise ValueError(f"{name} = {stated}, but {self.gains.file} has {found}; leave {name} out")
        return self

    @field_validator("station_positions")
    @classmethod
    def _inside_square(cls, value: Any) -> Any:
        if not value or any(not 0 <= c <= 1 for position in value for c in position):
            raise ValueError("must be pairs of fractions in [0, 1]")
        return value

    @model_serializer(mode="wrap")
    def _without_usual(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Eq. 7 and no gains are left out, so that scenarios read as they did when there was nothing else."""
        values = serialise(self)
        if self.accuracy_law == EQ_7:
            values.pop("accuracy_law", None)
        if self.gains is None:
            values.pop("gains", None)
        return values
