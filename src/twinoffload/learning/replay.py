"""Ring buffers of transitions for stacked members, on one preallocated tensor `[members, capacity, fields]`."""

from dataclasses import dataclass

import torch
from torch import Tensor

from twinoffload.learning.streams import Generators, integers


@dataclass(frozen=True)
class Transition:
    """A batch of transitions for each of G members.

    Attributes:
        observation: what the actor sees, `[G, B, o]`.
        privileged: what only the critic sees besides, `[G, B, p]`; p may be 0.
        action: in [-1, 1], `[G, B, a]`.
        reward: `[G, B]`.
        terminated: 1 where the episode truly ended, 0 elsewhere and at a truncation, `[G, B]`.
        next_observation, next_privileged: what followed (at a truncation the final observation, not the first
            one of the next episode).

    The last three are None where nothing is discounted.
    """

    observation: Tensor
    privileged: Tensor
    action: Tensor
    reward: Tensor
    terminated: Tensor | None = None
    next_observation: Tensor | None = None
    next_privileged: Tensor | None = None


class Replay:
    """The last `capacity` transitions of each member, sampled uniformly with replacement.

    All fields of a transition stand side by side in one row, so that a batch is a single gather.

    Args:
        members: number of members G.
        capacity: transitions kept for each member.
        observation, action, privileged: sizes of these fields.
        store_next: False where all discounts are 0; then no next fields are stored or accepted.
        device: where the buffer lives; the generators given to `sample` must live there too.
    """

    def __init__(
        self,
        members: int,
        capacity: int,
        *,
        observation: int,
        action: int,
        privileged: int = 0,
        store_next: bool = True,
        device: torch.device | str = "cpu",
    ) -> None:
        if capacity < 1:
            raise ValueError(f"capacity is {capacity}, expected at least 1")
        self.members, self.capacity, self.store_next = members, capacity, store_next
        self._widths = [observation, privileged, action, 1]
        if store_next:
            self._widths += [1, observation, privileged]
        self._rows = torch.zeros(members, capacity, sum(self._widths), device=device)
        self._offsets = torch.arange(members, device=device).unsqueeze(-1) * capacity
        self._cursor = 0
        self._size = 0

    def __len__(self) -> int:
        """Transitions that each member holds now."""
        return self._size

    @torch.no_grad()
    def add(
        self,
        observation: Tensor,
        action: Tensor,
        reward: Tensor,
        *,
        privileged: Tensor | None = None,
        terminated: Tensor | None = None,
        next_observation: Tensor | None = None,
        next_privileged: Tensor | None = None,
    ) -> None:
        """Add one transition from each of E parallel environments, overwriting the oldest.

        Args:
            observation: `[G, E, o]`.
            action: `[G, E, a]`.
            reward: `[G, E]`.
            privileged: `[G, E, p]`; may be left out where p is 0.
            terminated: `[G, E]`, any number or bool; left out, nothing has terminated. A truncation is no termination.
            next_observation: `[G, E, o]`, required unless `store_next` is False.
            next_privileged: `[G, E, p]`; may be left out where p is 0.
        """
        empty = observation.new_zeros(*observation.shape[:2], 0)
        fields = [observation, empty if privileged is None else privileged, action, reward.unsqueeze(-1)]
        if self.store_next:
            if next_observation is None:
                raise ValueError("next_observation is missing; only a replay with store_next=False does without")
            ended = torch.zeros_like(reward) if terminated is None else terminated
            fields += [
                ended.unsqueeze(-1),
                next_observation,
                empty if next_privileged is None else next_privileged,
            ]
        elif not (terminated is None and next_observation is None and next_privileged is None):
            raise ValueError("this replay was built with store_next=False and takes no next fields")
        self._check(fields, observation.shape[1])
        self._write(torch.cat([field.to(self._rows) for field in fields], dim=-1))

    def sample(self, batch: int, generators: Generators) -> Transition:
        """Draw `batch` transitions for each member, `[G, batch, ...]`; each generator serves its block of members."""
        if self._size == 0:
            raise ValueError("the replay is empty")
        index = integers(self._size, (self.members, batch), generators).add_(self._offsets)
        rows = self._rows.flatten(0, 1).index_select(0, index.flatten()).unflatten(0, (self.members, batch))
        observation, privileged, action, reward, *following = rows.split_with_sizes(self._widths, dim=-1)
        if following:
            following[0] = following[0].squeeze(-1)
        return Transition(observation, privileged, action, reward.squeeze(-1), *following)

    def state(self) -> dict[str, Tensor]:
        """Everything that `load` needs: the rows (a reference), the cursor and the fill."""
        return {"rows": self._rows, "cursor": torch.tensor(self._cursor), "size": torch.tensor(self._size)}

    def load(self, state: dict[str, Tensor]) -> None:
        """Take over the contents of a buffer of equal shape.

        Raises:
            ValueError: they are of another shape.
        """
        if state["rows"].shape != self._rows.shape:
            raise ValueError(f"rows have shape {list(state['rows'].shape)}, expected {list(self._rows.shape)}")
        cursor, size = int(state["cursor"]), int(state["size"])
        if not (0 <= cursor < self.capacity and 0 <= size <= self.capacity):
            raise ValueError(f"cursor {cursor} or size {size} lies outside a replay of {self.capacity} transitions")
        self._rows.copy_(state["rows"])
        self._cursor, self._size = cursor, size

    def _check(self, fields: list[Tensor], environments: int) -> None:
        names = (
            "observation",
            "privileged",
            "action",
            "reward",
            "terminated",
            "next_observation",
            "next_privileged",
        )
        for name, field, width in zip(names, fields, self._widths, strict=False):
            expected = [self.members, environments, width]
            if list(field.shape) != expected:
                if name in ("reward", "terminated"):
                    field, expected = field.squeeze(-1), expected[:2]
                raise ValueError(f"{name} has shape {list(field.shape)}, expected {expected}")
        if environments > self.capacity:
            raise ValueError(f"{environments} environments exceed the capacity {self.capacity}")

    def _write(self, rows: Tensor) -> None:
        count = rows.shape[1]
        first = min(count, self.capacity - self._cursor)
        self._rows[:, self._cursor : self._cursor + first] = rows[:, :first]
        self._rows[:, : count - first] = rows[:, first:]
        self._cursor = (self._cursor + count) % self.capacity
        self._size = min(self._size + count, self.capacity)
