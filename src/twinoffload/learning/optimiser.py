"""Adam for flat ensembles `[members, P]`, each member with its own learning rate."""

from collections.abc import Sequence

import torch
from torch import Tensor

VECTOR = 16  # floats that a CPU may handle at once


def clip_by_norm(gradient: Tensor, limit: float) -> Tensor:
    """Scale each member's gradient `[G, P]` in place to a Euclidean norm of at most `limit`."""
    norm = torch.linalg.vector_norm(gradient, dim=-1, keepdim=True)
    return gradient.mul_((limit / (norm + 1e-6)).clamp_(max=1.0))


def _blocks(rates: Sequence[float]) -> list[tuple[float, slice]]:
    """Each run of members with one rate."""
    starts = [at for at, rate in enumerate(rates) if at == 0 or rate != rates[at - 1]]
    return [(rates[start], slice(start, end)) for start, end in zip(starts, [*starts[1:], len(rates)], strict=True)]


class Adam:
    """Adam (Kingma and Ba 2015, Algorithm 1) on one tensor, updated in place.

    What counts the steps is a tensor on the device, so that nothing crosses to the host and a CUDA graph may
    capture `step`.

    On a CPU the step is torch's fused kernel, one pass where the formula takes six, if P is a multiple of `VECTOR`:
    what is left over at the end of a tensor is rounded otherwise, and members would depend on how many are stacked.

    Args:
        parameters: `[G, P]`; its storage is updated, the optimiser keeps the reference.
        rate: learning rates, `[G]`.
        clip: largest Euclidean norm of a member's gradient, or None.
    """

    def __init__(
        self,
        parameters: Tensor,
        rate: Tensor,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        clip: float | None = None,
    ) -> None:
        if rate.shape != parameters.shape[:1]:
            raise ValueError(f"rate has shape {list(rate.shape)}, expected [{parameters.shape[0]}]")
        self.parameters = parameters
        self.clip, self._betas, self._epsilon = clip, betas, epsilon
        self.first = torch.zeros_like(self.parameters)
        self.second = torch.zeros_like(self.parameters)
        self.steps = torch.zeros((), dtype=torch.float64, device=parameters.device)
        self._inverse_rate = rate.to(parameters).reciprocal().unsqueeze(-1)
        fused = parameters.device.type == "cpu" and parameters.shape[-1] % VECTOR == 0
        self._blocks = _blocks(rate.tolist()) if fused else []

    def step(self, gradient: Tensor, share: float = 1.0) -> None:
        """Take one step along `gradient [G, P]`, which may be overwritten, at a share of the learning rates."""
        if self.clip is not None:
            gradient = clip_by_norm(gradient, self.clip)
        self.steps.add_(1)
        if self._blocks:
            self._step_fused(gradient, share)
        else:
            self._step(gradient, share)

    def _step_fused(self, gradient: Tensor, share: float) -> None:
        """The fused kernel, once for each block of members with one rate."""
        beta1, beta2 = self._betas
        for rate, members in self._blocks:
            torch._fused_adam_(  # pyright: ignore[reportPrivateImportUsage]
                [self.parameters[members]],
                [gradient[members]],
                [self.first[members]],
                [self.second[members]],
                [],
                [self.steps],
                lr=rate * share,
                beta1=beta1,
                beta2=beta2,
                weight_decay=0.0,
                eps=self._epsilon,
                amsgrad=False,
                maximize=False,
            )

    def _step(self, gradient: Tensor, share: float) -> None:
        """The formula.

        With c = 1 - beta^t the update rate * (first / c1) / (sqrt(second / c2) + epsilon) is written as
        first / (sqrt(second) * c1 / (sqrt(c2) * rate) + epsilon * c1 / rate): a pass over `[G, P]` less.
        """
        beta1, beta2 = self._betas
        self.first.lerp_(gradient, 1 - beta1)
        self.second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        correction1, correction2 = 1 - beta1**self.steps, 1 - beta2**self.steps
        inverse_rate = self._inverse_rate / share
        slope = inverse_rate * (correction1 / correction2.sqrt())
        divisor = torch.addcmul(inverse_rate * (self._epsilon * correction1), self.second.sqrt(), slope)
        self.parameters.addcdiv_(self.first, divisor, value=-1)

    def state(self) -> dict[str, Tensor]:
        """The moments and the number of steps (references, not copies)."""
        return {"first": self.first, "second": self.second, "steps": self.steps}
