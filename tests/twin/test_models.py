"""Eq. 5 against scikit-learn's linear models."""

import math

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge

from twinoffload.learning.networks import Mlp
from twinoffload.twin.models import data_loss, data_slopes, ridge

XI = 0.05


def loss_of(mlp, kind, numbers, features, targets):
    """Eq. 5 in float64 by autograd's own rules."""
    mean = data_loss(kind, mlp(numbers, features.unsqueeze(0)), targets.unsqueeze(0)).mean()
    return mean + ridge(numbers, XI).sum()


def flat(mlp, weight, bias):
    numbers = torch.zeros(1, mlp.size, dtype=torch.float64)
    for part, value in zip(mlp.split(numbers)[0], (weight, bias), strict=True):
        part.copy_(torch.as_tensor(value).reshape(part.shape))
    return numbers.requires_grad_()


def test_ridge_regression_is_the_minimum_with_squared_loss():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 5))
    y = x @ rng.normal(size=5) + 0.7 + rng.normal(size=200)
    # ||y - X w||^2 + alpha ||w||^2 is D times Eq. 5 with alpha = D xi / 2; the bias is a weight like any other.
    model = Ridge(alpha=len(x) * XI / 2, fit_intercept=False).fit(np.c_[x, np.ones(len(x))], y)
    mlp = Mlp((5, 1))
    numbers = flat(mlp, model.coef_[:5], model.coef_[5])
    loss = loss_of(mlp, "squared", numbers, torch.from_numpy(x), torch.from_numpy(y)[:, None])
    expected = np.mean((model.predict(np.c_[x, np.ones(len(x))]) - y) ** 2) + XI / 2 * (model.coef_**2).sum()
    assert loss.item() == pytest.approx(expected, rel=1e-12)
    assert torch.autograd.grad(loss, numbers)[0].abs().max() < 1e-10
    lower = numbers.detach() * 1.001
    assert loss_of(mlp, "squared", lower, torch.from_numpy(x), torch.from_numpy(y)[:, None]) > loss


def test_logistic_regression_is_the_minimum_with_logistic_loss():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 4))
    y = (x @ rng.normal(size=(4, 3)) + rng.gumbel(size=(300, 3))).argmax(1)
    ones = np.c_[x, np.ones(len(x))]
    model = LogisticRegression(C=1 / (len(x) * XI), fit_intercept=False, tol=1e-10, max_iter=5000).fit(ones, y)
    mlp = Mlp((4, 3))
    numbers = flat(mlp, model.coef_[:, :4], model.coef_[:, 4])
    loss = loss_of(mlp, "logistic", numbers, torch.from_numpy(x), torch.from_numpy(y))
    chosen = np.log(model.predict_proba(ones))[np.arange(300), y]
    assert loss.item() == pytest.approx(-chosen.mean() + XI / 2 * (model.coef_**2).sum(), rel=1e-10)
    assert torch.autograd.grad(loss, numbers)[0].abs().max() < 1e-6


@pytest.mark.parametrize(("kind", "outputs"), [("squared", 3), ("logistic", 4)])
def test_slopes_are_those_of_the_mean_loss(kind, outputs):
    generator = torch.Generator().manual_seed(0)
    answers = torch.randn(2, 7, outputs, dtype=torch.float64, generator=generator).requires_grad_()
    if kind == "squared":
        targets = torch.randn(2, 7, outputs, dtype=torch.float64, generator=generator)
    else:
        targets = torch.randint(outputs, (2, 7), generator=generator)
    losses = data_loss(kind, answers, targets)
    assert losses.shape == (2, 7)
    (expected,) = torch.autograd.grad(losses.mean(-1).sum(), answers)
    torch.testing.assert_close(data_slopes(kind, answers.detach(), targets), expected)


def test_the_zero_model_knows_nothing():
    zeros = torch.zeros(1, 5, 10)
    torch.testing.assert_close(data_loss("logistic", zeros, torch.arange(5)[None]), torch.full((1, 5), math.log(10)))
    assert data_loss("squared", zeros[..., :1], torch.ones(1, 5, 1)).tolist() == [[1.0] * 5]
