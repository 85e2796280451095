import pytest
import torch
from torch import nn

from twinoffload.learning import networks
from twinoffload.learning.networks import Mlp, product


def reference(layout, parameters):
    """The same perceptron of one member as a torch.nn.Sequential."""
    layers = []
    for weight, bias in layout.split(parameters.unsqueeze(0)):
        linear = nn.Linear(weight.shape[2], weight.shape[1])
        linear.weight, linear.bias = nn.Parameter(weight[0].clone()), nn.Parameter(bias[0, 0].clone())
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


@pytest.mark.parametrize("widths", [(3, 1), (5, 20, 1), (6, 24, 18, 4), (20, 7, 33), (4, 128, 130, 2)])
def test_values_and_gradients_equal_those_of_torch(widths):
    generator = torch.Generator().manual_seed(1)
    layout = Mlp(widths)
    parameters = layout.initialise(3, [generator])
    inputs = torch.randn(3, 11, widths[0], generator=generator)
    outputs = layout(parameters, inputs)
    weights = torch.randn(outputs.shape, generator=generator)
    layers = layout.split(parameters)
    values = networks.forward(layers, inputs)
    assert torch.equal(values[-1], outputs)
    slopes = networks.slopes(layers, values, weights)
    by_parameters, by_inputs = torch.zeros_like(parameters), networks.by_inputs(layers, slopes)
    networks.by_parameters(values, slopes, layout.split(by_parameters))
    torch.testing.assert_close(networks.by_inputs(layers, slopes, last=2), by_inputs[..., -2:])
    for member in range(3):
        network = reference(layout, parameters[member])
        own = inputs[member].clone().requires_grad_()
        expected = network(own)
        torch.testing.assert_close(outputs[member], expected, rtol=1e-5, atol=1e-6)
        (expected * weights[member]).sum().backward()
        flat = torch.cat([part.grad.flatten() for part in network.parameters()])
        torch.testing.assert_close(by_parameters[member, : flat.numel()], flat, rtol=1e-4, atol=1e-5)
        assert not by_parameters[member, flat.numel() :].any(), "nothing is asked of what only fills up"
        torch.testing.assert_close(by_inputs[member], own.grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("rows", "inner", "columns"), [(9, 5, 30), (9, 30, 3), (9, 1, 30), (1, 9, 1), (1, 1, 1)])
def test_product_is_the_matrix_product_in_every_orientation(rows, inner, columns):
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(4, rows, inner, generator=generator)
    right = torch.randn(4, inner, columns, generator=generator)
    torch.testing.assert_close(product(left, right), left @ right)


def test_initial_weights_are_uniform_by_fan_in():
    layout = Mlp((16, 400, 2))
    (first, first_bias), (second, _) = layout.split(layout.initialise(3, [torch.Generator().manual_seed(0)]))
    for part, fan_in in ((first, 16), (first_bias, 16), (second, 400)):
        bound = fan_in**-0.5
        assert part.abs().max() <= bound
        assert part.abs().max() > 0.97 * bound
        assert part.std().item() == pytest.approx(bound / 3**0.5, rel=0.06)


def test_initial_weights_depend_on_the_own_seed_only():
    layout = Mlp((3, 8, 1))
    alone = layout.initialise(2, [torch.Generator().manual_seed(3)], copies=2).view(2, 2, -1)
    seeds = [torch.Generator().manual_seed(seed) for seed in (7, 3, 5)]
    stacked = layout.initialise(6, seeds, copies=2).view(2, 6, -1)
    assert torch.equal(stacked[:, 2:4], alone)
    rows = stacked.flatten(0, 1)
    assert rows.unique(dim=0).shape == rows.shape, "two networks share their weights"


def test_wrong_inputs_are_refused_with_the_expected_shape():
    layout = Mlp((3, 8, 1))
    parameters = layout.initialise(2, [torch.Generator()])
    with pytest.raises(ValueError, match=r"expected \[2, batch, 3\]"):
        layout(parameters, torch.zeros(2, 5, 4))
