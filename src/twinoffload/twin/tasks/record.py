"""How a record of a twin's data is laid out, and its size."""

import math
from dataclasses import dataclass

from twinoffload.units import BYTES_PER_FLOAT, bytes_to_mb


@dataclass(frozen=True)
class Field:
    """Numbers of one kind in a record.

    Attributes:
        name: what they are.
        unit: of each; "1" for a plain number.
        shape: their axes, last axis fastest.
        axes: what these run over.
    """

    name: str
    unit: str
    shape: tuple[int, ...]
    axes: str = ""

    @property
    def size(self) -> int:
        """How many numbers."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Layout:
    """A record: float32 numbers one after the other, the features first, then the targets, without a header."""

    features: tuple[Field, ...]
    targets: tuple[Field, ...]

    @property
    def inputs(self) -> int:
        """How many features."""
        return sum(field.size for field in self.features)

    @property
    def numbers(self) -> int:
        """Features and targets together."""
        return self.inputs + sum(field.size for field in self.targets)

    @property
    def record_bytes(self) -> int:
        """Size of a record."""
        return self.numbers * BYTES_PER_FLOAT

    def data_mb(self, records: int) -> float:
        """Size of some records in MB."""
        return bytes_to_mb(records * self.record_bytes)

    def records(self, data_mb: float) -> int:
        """The number of records whose size is nearest to an amount in MB."""
        return round(data_mb / self.data_mb(1))
