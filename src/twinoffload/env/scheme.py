"""What a scheme is: a rule for prices and a rule for offloading."""

from typing import Protocol

from torch import Tensor

from twinoffload.env.slots import Slots


class Scheme(Protocol):
    """Plays slots. `name` labels it in tables; `observation` says what its mAPs see: "paper", "load", "gains", "full".

    Batch axes are [seeds, episodes] throughout; a scheme trained with several seeds plays each on its own row.
    """

    name: str
    observation: str

    def begin(self, slots: Slots) -> None:
        """Episodes start; whatever was remembered is forgotten."""

    def price(self, slots: Slots) -> Tensor:
        """Posted prices in money/MB, `[..., N, M]`."""
        ...

    def offload(self, slots: Slots, price: Tensor) -> tuple[Tensor, Tensor]:
        """Association `[..., N]` and data in MB `[..., N]` of the mAPs, who have seen the prices."""
        ...
