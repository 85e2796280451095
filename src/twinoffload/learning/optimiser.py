"""Adam for flat ensembles `[members, P]`, each member with its own learning rate."""

import torch
from torch import Tensor


def clip_by_norm(gradient: Tensor, limit: float) -> Tensor:
    """Scale each member's gradient `[G, P]` in place to a Euclidean norm of at most `limit`."""
    norm = torch.linalg.vector_norm(gradient, dim=-1, keepdim=True)
    return gradient.mul_((limit / (norm + 1e-6)).clamp_(max=1.0))


class Adam:
    """Adam (Kingma and Ba 2015, Algorithm 1) on one tensor, updated in place.

    What counts the steps is a tensor on the device, so that nothing crosses to the host and a CUDA graph may
    capture `step`.

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
        self.parameters = parameters.detach()
        self.clip, self._inner = clip, (1 - betas[0], 1 - betas[1])
        self.first = torch.zeros_like(self.parameters)
        self.second = torch.zeros_like(self.parameters)
        self._betas = torch.tensor(betas, dtype=torch.float64, device=parameters.device)
        self.powers = torch.ones_like(self._betas)
        self._inverse_rate = rate.to(parameters).reciprocal().unsqueeze(-1)
        self._floor = epsilon * self._inverse_rate

    @torch.no_grad()
    def step(self, gradient: Tensor) -> None:
        """Take one step along `gradient [G, P]`, which may be overwritten.

        With c = 1 - beta^t the update rate * (first / c1) / (sqrt(second / c2) + epsilon) is written as
        first / (sqrt(second) * c1 / (sqrt(c2) * rate) + epsilon * c1 / rate): a pass over `[G, P]` less.
        """
        if self.clip is not None:
            gradient = clip_by_norm(gradient, self.clip)
        self.first.lerp_(gradient, self._inner[0])
        self.second.mul_(1 - self._inner[1]).addcmul_(gradient, gradient, value=self._inner[1])
        correction1, correction2 = (1 - self.powers.mul_(self._betas)).unbind()
        slope = self._inverse_rate * (correction1 / correction2.sqrt())
        divisor = torch.addcmul(self._floor * correction1, self.second.sqrt(), slope)
        self.parameters.addcdiv_(self.first, divisor, value=-1)

    def state(self) -> dict[str, Tensor]:
        """The moments and beta^t, which stands for the number of steps t (references, not copies)."""
        return {"first": self.first, "second": self.second, "powers": self.powers}
