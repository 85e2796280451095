"""Adam for flat ensembles `[members, P]`, each member with its own learning rate."""

import torch
from torch import Tensor

FUSED = 16  # parameters a member from which the fused kernel pays


def clip_by_norm(gradient: Tensor, limit: float) -> Tensor:
    """Scale each member's gradient `[G, P]` in place to a Euclidean norm of at most `limit`."""
    norm = torch.linalg.vector_norm(gradient, dim=-1, keepdim=True)
    return gradient.mul_((limit / (norm + 1e-6)).clamp_(max=1.0))


class Adam:
    """Adam (Kingma and Ba 2015, Algorithm 1) on one tensor, updated in place.

    What counts the steps is a tensor on the device, so that nothing crosses to the host and a CUDA graph may
    capture `step`.

    On a CPU the step is torch's fused kernel, one pass where the formula takes six, called with one row a member: what
    a member's row becomes then does not depend on the rows beside it, and each may have its own rate.

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
        self._equal: dict[float, list[int]] = {}  # members of each rate
        if parameters.device.type == "cpu" and parameters.shape[-1] >= FUSED:
            for member, value in enumerate(rate.tolist()):
                self._equal.setdefault(value, []).append(member)
        self._rows = [tensor.unbind() for tensor in (self.parameters, self.first, self.second)]

    def step(self, gradient: Tensor) -> None:
        """Take one step along `gradient [G, P]`, which may be overwritten."""
        if self.clip is not None:
            gradient = clip_by_norm(gradient, self.clip)
        self.steps.add_(1)
        if self._equal:
            self._step_rows(gradient)
        else:
            self._step(gradient)

    def _step_rows(self, gradient: Tensor) -> None:
        """The fused kernel."""
        rows, gradients = self._rows, gradient.unbind()
        beta1, beta2 = self._betas
        for rate, members in self._equal.items():
            parameters, first, second = ([row[member] for member in members] for row in rows)
            torch._fused_adam_(  # pyright: ignore[reportPrivateImportUsage]
                parameters,
                [gradients[member] for member in members],
                first,
                second,
                [],
                [self.steps] * len(members),
                lr=rate,
                beta1=beta1,
                beta2=beta2,
                weight_decay=0.0,
                eps=self._epsilon,
                amsgrad=False,
                maximize=False,
            )

    def _step(self, gradient: Tensor) -> None:
        """The formula.

        With c = 1 - beta^t the update rate * (first / c1) / (sqrt(second / c2) + epsilon) is written as
        first / (sqrt(second) * c1 / (sqrt(c2) * rate) + epsilon * c1 / rate): a pass over `[G, P]` less.
        """
        beta1, beta2 = self._betas
        self.first.lerp_(gradient, 1 - beta1)
        self.second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        correction1, correction2 = 1 - beta1**self.steps, 1 - beta2**self.steps
        slope = self._inverse_rate * (correction1 / correction2.sqrt())
        divisor = torch.addcmul(self._inverse_rate * (self._epsilon * correction1), self.second.sqrt(), slope)
        self.parameters.addcdiv_(self.first, divisor, value=-1)

    def state(self) -> dict[str, Tensor]:
        """The moments and the number of steps (references, not copies)."""
        return {"first": self.first, "second": self.second, "steps": self.steps}
