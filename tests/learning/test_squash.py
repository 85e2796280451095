import pytest
import torch
from torch.distributions import Independent, Normal, TransformedDistribution
from torch.distributions.transforms import AffineTransform, SigmoidTransform, TanhTransform

from twinoffload.learning import squash


def test_log_density_equals_that_of_torch_distributions():
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(3, 50, 4, generator=generator, dtype=torch.float64) * 0.7
    noise = torch.randn(3, 50, 2, generator=generator, dtype=torch.float64)
    action, log_density = squash.sample(outputs, noise)
    mean, log_std = outputs.chunk(2, -1)
    reference = TransformedDistribution(Independent(Normal(mean, log_std.exp()), 1), TanhTransform())
    torch.testing.assert_close(log_density, reference.log_prob(action), rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(action, torch.tanh(mean + log_std.exp() * noise))


def test_density_integrates_to_one():
    raw = torch.linspace(-12, 12, 20_001, dtype=torch.float64)
    mean, log_std = 0.4, -0.3
    outputs = torch.tensor([mean, log_std], dtype=torch.float64).expand(raw.numel(), 2)
    action, log_density = squash.sample(outputs, ((raw - mean) / torch.tensor(log_std).exp()).unsqueeze(-1))
    assert torch.trapezoid(log_density.exp(), action.squeeze(-1)).item() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("mean", [-1e4, -30.0, 30.0, 1e4])
@pytest.mark.parametrize("log_std", [-1e3, 0.0, 1e3])
def test_values_and_gradients_are_finite_at_the_extremes(mean, log_std):
    outputs = torch.tensor([[mean, log_std]], requires_grad=True)
    action, log_density = squash.sample(outputs, torch.tensor([[3.0]]))
    (gradient,) = torch.autograd.grad(log_density.sum() + action.sum(), outputs)
    assert action.abs().max() <= 1
    assert log_density.isfinite().all()
    assert gradient.isfinite().all()


def test_mode_is_the_squashed_mean():
    outputs = torch.tensor([[0.5, -2.0, 0.1, 7.0]])
    torch.testing.assert_close(squash.mode(outputs), torch.tensor([[0.5, -2.0]]).tanh())


def test_sigmoid_is_the_logistic_function_stretched_with_its_exact_density():
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(3, 50, 4, generator=generator, dtype=torch.float64) * 0.7
    noise = torch.randn(3, 50, 2, generator=generator, dtype=torch.float64)
    action, log_density = squash.sample(outputs, noise, "sigmoid")
    mean, log_std = outputs.chunk(2, -1)
    stretched = [SigmoidTransform(), AffineTransform(-1.0, 2.0)]
    reference = TransformedDistribution(Independent(Normal(mean, log_std.exp()), 1), stretched)
    torch.testing.assert_close(action, 2 * torch.sigmoid(mean + log_std.exp() * noise) - 1)
    torch.testing.assert_close(log_density, reference.log_prob(action), rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(squash.mode(outputs, "sigmoid"), 2 * torch.sigmoid(mean) - 1)
    torch.testing.assert_close(squash.bound(mean, "sigmoid"), 2 * torch.sigmoid(mean) - 1)
    assert not torch.allclose(log_density, squash.sample(outputs, noise)[1]), "another squash has another density"


@pytest.mark.parametrize("output", ["tanh", "sigmoid"])
def test_written_gradients_equal_those_of_autograd(output):
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(3, 50, 4, generator=generator, dtype=torch.float64)
    outputs[0, :, 2:] *= 30  # some log standard deviations are out of bounds
    outputs[0, 0, 2:] = torch.tensor(squash.LOG_STD_BOUNDS)
    assert (outputs[0, :, 2:] < squash.LOG_STD_BOUNDS[0]).any()
    assert (outputs[0, :, 2:] > squash.LOG_STD_BOUNDS[1]).any()
    outputs.requires_grad_()
    noise, by_action = (torch.randn(3, 50, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    by_density = torch.rand(3, 1, generator=generator, dtype=torch.float64)
    action, log_density = squash.sample(outputs, noise, output)
    (expected,) = torch.autograd.grad((action * by_action).sum() + (log_density * by_density).sum(), outputs)
    found = squash.sample_gradient(
        outputs.detach(), noise, action.detach(), by_action, by_density.unsqueeze(-1), output
    )
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-10)
    action = squash.bound(outputs, output)
    (expected,) = torch.autograd.grad(action.sum(), outputs)
    found = squash.bound_gradient(action.detach(), torch.ones_like(action), output)
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-12)
