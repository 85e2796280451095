"""What a decision in a slot may rest on, whether the slot is played here or measured in a network outside."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from twinoffload.game.terms import Terms


class View(Protocol):
    """A slot as far as policies look at it; `Slots` is one, and so is `Seen`."""

    @property
    def gain(self) -> Tensor:
        """Channel power gains, `[..., N, M]`."""
        ...

    @property
    def terms(self) -> Terms:
        """The game's parameters, private values included."""
        ...

    @property
    def public_terms(self) -> Terms:
        """The parameters as far as the operator knows them."""
        ...

    @property
    def last_interference(self) -> Tensor:
        """Last slot's I[n, m] in W without n's own signal, `[..., N, M]`."""
        ...


@dataclass(frozen=True)
class Seen:
    """A view of values that somebody brought; see `View`.

    `terms` are those that whoever decides may know: it sees no others, so they are the public ones, too.
    """

    gain: Tensor
    terms: Terms
    last_interference: Tensor

    @property
    def public_terms(self) -> Terms:
        """The same parameters."""
        return self.terms
