import pytest
import torch

from twinoffload.learning.optimiser import Adam


@pytest.mark.parametrize("clip", [None, 0.5])
def test_each_member_follows_torch_adam_at_its_own_rate(clip):
    generator = torch.Generator().manual_seed(0)
    rates = (1e-3, 3e-2, 0.5)
    start = torch.randn(3, 7, generator=generator)
    ours = start.clone()
    optimiser = Adam(ours, torch.tensor(rates), clip=clip)
    theirs = [torch.nn.Parameter(row.clone()) for row in start]
    references = [torch.optim.Adam([row], lr=rate) for row, rate in zip(theirs, rates, strict=True)]
    for step in range(50):
        gradient = torch.randn(3, 7, generator=generator) * 10.0 ** (step % 5 - 3)
        for row, reference, part in zip(theirs, references, gradient.clone(), strict=True):
            row.grad = part
            if clip is not None:
                torch.nn.utils.clip_grad_norm_([row], clip)
            reference.step()
        optimiser.step(gradient)
        torch.testing.assert_close(ours, torch.stack([row.detach() for row in theirs]), rtol=1e-5, atol=1e-6)
    moved = (ours - start).abs().mean(-1)
    assert moved[0] < moved[1] < moved[2]


def test_a_diverged_member_leaves_the_others_alone():
    parameters = torch.zeros(2, 3)
    optimiser = Adam(parameters, torch.tensor([0.1, 0.1]), clip=1.0)
    optimiser.step(torch.tensor([[float("nan")] * 3, [1.0, 2.0, 3.0]]))
    assert parameters[0].isnan().all()
    torch.testing.assert_close(parameters[1], torch.full((3,), -0.1))


def test_rates_of_the_wrong_number_are_refused():
    with pytest.raises(ValueError, match=r"expected \[2\]"):
        Adam(torch.zeros(2, 3), torch.ones(3))
