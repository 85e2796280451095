"""Slots of the pricing game, batched: observe, price, offload, be paid."""

from typing import Literal

import torch
from torch import Tensor

from twinoffload.env.episodes import Episodes
from twinoffload.equilibrium.dispatch import strongest_station
from twinoffload.equilibrium.outcome import play
from twinoffload.game.terms import Terms
from twinoffload.network import link

Observation = Literal["paper", "load", "gains"]
"""What an mAP sees: its own gains and prices (Eq. 34); `load`: last slot's interference at each BS too; `gains`: the
others' gains too, which in practice nobody tells it: a measure of what not knowing them costs."""


class Slots:
    """Episodes played slot by slot. The operator moves first, then all mAPs at once; slots end by time only.

    Attributes:
        episodes: what nature fixed; one slot more than is played lets the last slot be followed by an observation.
        slot: index of the current slot.
        association: last slot's BS of each mAP, int64 `[..., N]`; before slot 0 everybody is on its strongest BS.
    """

    def __init__(self, episodes: Episodes):
        self.episodes = episodes
        self.slot = 0
        self.association = strongest_station(self.gain)
        self._on = self._connected(self.association, torch.ones_like(self.association, dtype=torch.bool))
        self._received = self.terms.power * self.gain
        self._interference: Tensor | None = None

    @property
    def gain(self) -> Tensor:
        """Channel power gains of this slot, `[..., N, M]`."""
        return self.episodes.gain[self.slot]

    @property
    def terms(self) -> Terms:
        """The game's parameters in this slot."""
        return self.episodes.terms(self.slot)

    @property
    def public_terms(self) -> Terms:
        """What the operator knows of them: private values at their means."""
        return self.episodes.public_terms(self.slot)

    @property
    def last_interference(self) -> Tensor:
        """Last slot's I[n, m] in W without n's own signal, `[..., N, M]`; computed when somebody looks."""
        if self._interference is None:
            self._interference = link.interference(self._received, self._on)
        return self._interference

    def step(self, price: Tensor, association: Tensor, data: Tensor, *, regret: bool = True) -> dict[str, Tensor]:
        """Play the slot and go to the next.

        Args:
            price: posted prices in money/MB, `[..., N, M]`.
            association: BS of each mAP, int64 `[..., N]`; -1 (off) where idle mAPs are silent.
            data: MB sent there, `[..., N]`.
            regret: whether to measure it, too: half of the work.

        Returns:
            What is measured of an `Outcome`: `map_utility`, `regret`, ... `[..., N]`, `operator_utility` `[...]`.
        """
        payoff = play(self.terms, self.gain, association, price, data, regret=regret)
        self._on, self._interference = self._connected(association, data > 0.0), None
        self._received = self.terms.power * self.gain
        self.association = association
        self.slot = min(self.slot + 1, len(self.episodes.gain) - 1)
        return payoff

    def _connected(self, association: Tensor, active: Tensor) -> Tensor:
        """Who disturbs whom: on which BS each mAP is, `[..., N, M]`."""
        on = link.connected(association, self.gain.shape[-1])
        return on if self.terms.idle_interferes else on & active.unsqueeze(-1)
