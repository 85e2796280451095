"""Adam for flat ensembles `[members, P]`, each member with its own learning rate."""

import torch
from torch import Tensor


def clip_by_norm(gradient: Tensor, limit: float) -> Tensor:
    """Scale each member's gradient `[G, P]` in place to a Euclidean norm of at most `limit`."""
    norm = torch.linalg.vector_norm(gradient, dim=-1, keepdim=True)
    return gradient.mul_((limit / (norm + 1e-6)).clamp_(max=1.0))


class Adam:
    """Adam (Kingma and Ba 2015, Algorithm 1) on one tensor, updated in place.

    The number of steps is a tensor on the device, so that nothing crosses to the host and a CUDA graph may
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
        self.rate = rate.to(parameters.device, torch.float64).unsqueeze(-1)
        self.betas, self.epsilon, self.clip = betas, epsilon, clip
        self.first = torch.zeros_like(self.parameters)
        self.second = torch.zeros_like(self.parameters)
        self.steps = torch.zeros((), dtype=torch.float64, device=parameters.device)

    @torch.no_grad()
    def step(self, gradient: Tensor) -> None:
        """Take one step along `gradient [G, P]`, which may be overwritten."""
        if self.clip is not None:
            gradient = clip_by_norm(gradient, self.clip)
        beta1, beta2 = self.betas
        self.first.lerp_(gradient, 1 - beta1)
        self.second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        self.steps += 1
        # rate * (first / c1) / (sqrt(second / c2) + epsilon), the corrections c1, c2 moved onto scalars
        root = (1 - beta2**self.steps).sqrt()
        scale = (self.rate * (root / (1 - beta1**self.steps))).to(gradient.dtype)
        divisor = self.second.sqrt().add_((self.epsilon * root).to(gradient.dtype))
        self.parameters.sub_(torch.div(self.first, divisor, out=divisor).mul_(scale))

    def state(self) -> dict[str, Tensor]:
        """The moments and the number of steps (references, not copies)."""
        return {"first": self.first, "second": self.second, "steps": self.steps}
