"""How accuracy grows with data: Eq. 7, or another concave law in its place.

A law is phi = law(v) of v = a Z, a = rho x: it tells the `value` phi and the `slope` d phi / d v of float64 tensors.
One that can also tell the v of a slope, `inverse_slope`, spares a solve for each best response. A further law is a
further class with these methods; what they must satisfy, `game.law_check` tests.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol, runtime_checkable

import torch
from pydantic import ConfigDict, Field
from torch import Tensor


@runtime_checkable
class AccuracyLaw(Protocol):
    """A law phi(v) that `Market` takes: phi(0) = 0, rising, concave, at most 1, v phi'(v) rising to a single peak.

    It may also have `inverse_slope(y)`: the v with slope y, at least for 0 < y <= slope(0), and `marginal_revenue(v)`:
    d (v slope(v)) / d v. Without them the first is solved for and the second comes from automatic differentiation, so
    `slope` must be made of torch operations.
    """

    def value(self, v: Tensor) -> Tensor:
        """Accuracy phi at v >= 0."""
        ...

    def slope(self, v: Tensor) -> Tensor:
        """Derivative of phi at v >= 0."""
        ...


Bounded = Annotated[float, Field(strict=True)]  # in YAML no text and no true or false


def _check_ceiling(value: Any) -> None:
    if not _is_number(value) or not 0.0 < value <= 1.0:
        raise ValueError(f"ceiling = {value!r:.60}: must be in (0, 1]")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True)
class Exponential:
    """phi = c (1 - exp(-v)), Eq. 7 where c = 1. With a ceiling the game is Eq. 7's with c gamma^A for gamma^A.

    Attributes:
        ceiling: c, the accuracy of endless data, in (0, 1].

    Raises:
        ValueError: the ceiling is out of bounds.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    ceiling: Bounded = 1.0
    kind: Literal["exponential"] = "exponential"

    def __post_init__(self) -> None:
        _check_ceiling(self.ceiling)

    def __str__(self) -> str:
        return f"{self.kind}, ceiling {self.ceiling:g}"

    def value(self, v: Tensor) -> Tensor:
        """Accuracy phi at v."""
        return self._scaled(-torch.expm1(-v))

    def slope(self, v: Tensor) -> Tensor:
        """Derivative of phi: c exp(-v)."""
        return self._scaled(torch.exp(-v))

    def inverse_slope(self, y: Tensor) -> Tensor:
        """The v with slope y, ln(c / y); below 0 where y exceeds c."""
        return torch.log(self.ceiling / y)

    def _scaled(self, share: Tensor) -> Tensor:
        return share if self.ceiling == 1.0 else self.ceiling * share


@dataclass(frozen=True)
class PowerLaw:
    """phi = c (1 - (1 + v / k)^-k), slope c at 0 like the exponential law's, which it tends to as k grows.

    v phi'(v) has the slope c (1 - v) (1 + v / k)^-(k + 2), which falls on [0, 1] and is negative beyond: an operator
    has one best price.

    Attributes:
        exponent: k, above 0: the loss 1 - phi / c falls like Z^-k in the end.
        ceiling: c, the accuracy of endless data, in (0, 1].

    Raises:
        ValueError: a parameter is out of bounds.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    exponent: Bounded
    ceiling: Bounded = 1.0
    kind: Literal["power"] = "power"

    def __post_init__(self) -> None:
        if not _is_number(self.exponent) or not 0.0 < self.exponent < math.inf:
            raise ValueError(f"exponent = {self.exponent!r:.60}: must be finite and above 0")
        _check_ceiling(self.ceiling)

    def __str__(self) -> str:
        return f"{self.kind}, exponent {self.exponent:g}, ceiling {self.ceiling:g}"

    def value(self, v: Tensor) -> Tensor:
        """Accuracy phi at v."""
        return self.ceiling * -torch.expm1(-self.exponent * torch.log1p(v / self.exponent))

    def slope(self, v: Tensor) -> Tensor:
        """Derivative of phi: c (1 + v / k)^-(k + 1)."""
        return self._power(v, 1.0)

    def inverse_slope(self, y: Tensor) -> Tensor:
        """The v with slope y, k ((y / c)^(-1 / (k + 1)) - 1); below 0 where y exceeds c."""
        return self.exponent * torch.expm1(-torch.log(y / self.ceiling) / (self.exponent + 1.0))

    def marginal_revenue(self, v: Tensor) -> Tensor:
        """Derivative of v slope(v): c (1 - v) (1 + v / k)^-(k + 2)."""
        return (1.0 - v) * self._power(v, 2.0)

    def _power(self, v: Tensor, more: float) -> Tensor:
        """Value of c (1 + v / k)^-(k + more), precise also for large k."""
        return self.ceiling * torch.exp(-(self.exponent + more) * torch.log1p(v / self.exponent))


EQ_7 = Exponential()


def first_slope(law: AccuracyLaw) -> float:
    """phi'(0)."""
    if isinstance(law, Exponential | PowerLaw):
        return law.ceiling
    return law.slope(torch.zeros((), dtype=torch.float64)).item()


def name_of(law: AccuracyLaw) -> str:
    """What messages call a law."""
    return str(law) if isinstance(law, Exponential | PowerLaw) else type(law).__name__


def need_eq_7(law: AccuracyLaw, what: str, *, any_ceiling: bool = False) -> None:
    """Refuse a law for something that is written for Eq. 7 alone.

    Args:
        law: the law.
        what: in words; the subject of "knows Eq. 7 only".
        any_ceiling: whether it also serves the exponential law with another ceiling than 1.

    Raises:
        ValueError: naming the law and the remedy.
    """
    if law == EQ_7 or (any_ceiling and isinstance(law, Exponential)):
        return
    remedy = "the exponential law" if any_ceiling else "the exponential law with ceiling 1"
    raise ValueError(f"accuracy_law {name_of(law)}: {what} knows Eq. 7 only; take {remedy} (kind: exponential)")
