"""Trying other choices gives, on average, the exact gradient of the expected payoff."""

import itertools

import pytest
import torch

from reference import Game, Instance
from twinoffload import Scenario
from twinoffload.env.episodes import draw_episodes
from twinoffload.env.slots import Slots
from twinoffload.learning.amortised import training
from twinoffload.learning.amortised.settings import AmortisedSettings
from twinoffload.learning.amortised.training import AmortisedTrainer

SMALL = AmortisedSettings(
    width=8, rounds=2, batch=1, entropy=0.0, regret_weight=0.7, credited=4, examples=20, reply_width=8
)


class Exact:
    """One slot of a tiny market, every association of it and the estimator's gradient at each."""

    def __init__(self, monkeypatch, idle_interferes: bool, maps: int = 2, name: str = "paper", **settings):
        self.scenario = Scenario.load(name).replace(maps=maps, idle_interferes=idle_interferes)
        self.trainer = AmortisedTrainer(self.scenario, SMALL.replace(**settings), [1])
        self.trainer.agents.weights["recommend"].mul_(2.0)  # away from uniform probabilities
        self.weights = self.trainer.agents.weights["recommend"]
        self.start = self.trainer.generators[0].get_state()
        first = 0 if idle_interferes else -1
        self.profiles = list(itertools.product(range(first, 2), repeat=maps))
        self.profile: tuple[int, ...] = self.profiles[0]
        monkeypatch.setattr(training, "drawn", lambda scores, stations, uniform: torch.tensor([[self.profile]]))
        self.slots = Slots(draw_episodes(self.scenario, 1, self._again(), slots=1))
        self.terms, self.gain = self.slots.terms, self.slots.gain
        self.known = self.trainer.agents.known(self.slots)

    def _again(self) -> list[torch.Generator]:
        self.trainer.generators[0].set_state(self.start)
        return self.trainer.generators

    def probabilities(self) -> torch.Tensor:
        """Of every association."""
        agents = self.trainer.agents
        chances = agents.operator.scores(agents.recommend_layers, self.known.terms, self.gain)[0, 0].exp()
        rows = torch.arange(len(chances))
        return torch.stack([chances[rows, torch.tensor(profile)].prod() for profile in self.profiles])

    def payoffs(self) -> torch.Tensor:
        """Of every association."""
        choices = torch.tensor(self.profiles)[None, None]
        known, terms, gain = self.known.insert_axis(), self.terms.insert_axis(), self.gain.unsqueeze(-3)
        agents = self.trainer.agents
        return agents.operator.payoff(agents.pricing_layers, known, terms, gain, choices)[0, 0]

    def exact(self) -> torch.Tensor:
        """Gradient of minus the expected payoff, by enumeration."""
        self.weights.requires_grad_()
        (-(self.probabilities() * self.payoffs()).sum()).backward()
        return self._taken()

    def estimated(self, chances: torch.Tensor) -> torch.Tensor:
        """Mean of the estimator's gradient where associations come with these probabilities."""
        total = torch.zeros_like(self.weights)
        for profile, chance in zip(self.profiles, chances.tolist(), strict=True):
            self.profile = profile
            self._again()
            self.weights.requires_grad_()
            self.trainer._try_choices(self.scenario, 0, 0.0)["recommend_loss"].sum().backward()
            total += chance * self._taken()
        return total

    def _taken(self) -> torch.Tensor:
        gradient, self.weights.grad = self.weights.grad, None
        self.weights.requires_grad_(False)
        assert gradient is not None
        return gradient


def apart(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).norm() / other.norm())


@pytest.mark.parametrize("name", ["paper", "private"])
@pytest.mark.parametrize("idle_interferes", [True, False])
def test_trying_choices_gives_the_gradient_of_the_expected_payoff(monkeypatch, name, idle_interferes):
    game = Exact(monkeypatch, idle_interferes, maps=3 if idle_interferes else 2, name=name)
    chances, exact = game.probabilities().detach(), game.exact()
    assert chances.sum() == pytest.approx(1.0, abs=1e-5)
    assert apart(game.estimated(chances), exact) < 1e-3
    uniform = torch.full_like(chances, 1.0 / len(chances))
    assert apart(game.estimated(uniform), exact) > 1e-2, "a wrong weighting is told"


def test_so_it_does_where_few_maps_are_tried_by_lot(monkeypatch):
    game = Exact(monkeypatch, True, maps=3, credited=1)
    chances, exact = game.probabilities().detach(), game.exact()
    each = []
    for n in range(3):
        monkeypatch.setattr(game.trainer, "_credited", lambda shape, n=n: torch.full((*shape[:-1], 1), n))
        each.append(game.estimated(chances))
    assert apart(torch.stack(each).mean(0), exact) < 1e-3
    assert apart(each[0], exact) > 1e-2


def test_maps_are_tried_by_lot_without_repetition():
    trainer = AmortisedTrainer(Scenario.load("paper"), SMALL.replace(credited=2), [0, 1])
    tried = trainer._credited(torch.Size((2, 4000, 4)))
    assert tried.shape == (2, 4000, 2)
    assert (tried[..., 0] != tried[..., 1]).all()
    assert torch.bincount(tried.flatten()).div(16_000).sub(0.25).abs().max() < 0.02
    assert trainer._credited(torch.Size((2, 5, 2))).unique().tolist() == [0, 1]


@pytest.mark.parametrize("idle_interferes", [True, False])
def test_a_payoff_is_that_of_the_game(monkeypatch, idle_interferes):
    exact = Exact(monkeypatch, idle_interferes, maps=3)
    market = exact.scenario.market()
    game = Game(Instance(
        gain=tuple(map(tuple, exact.gain[0, 0].tolist())), price_cap=1.25, idle_interferes=idle_interferes,
        energy_coefficient=exact.scenario.energy_coefficient,
        **{name: tuple(getattr(market, name).tolist()) for name in
           ("power", "bandwidth", "noise", "compute", "cycles", "quality", "accuracy_weight", "accuracy_value",
            "delay_cost", "raw_data")},
    ))  # fmt: skip

    def posted(n: int, profile: tuple[int, ...]) -> float:
        return game.posted_price(n, profile) or 0.0

    for profile, found in zip(exact.profiles, exact.payoffs().tolist(), strict=True):
        if not idle_interferes:  # who would send nothing is as if off
            replies = [m >= 0 and game.pair(n, m, profile).reply(posted(n, profile)) for n, m in enumerate(profile)]
            profile = tuple(m if reply and reply.data > 0 else -1 for m, reply in zip(profile, replies, strict=True))
        expected = 0.0
        for n, m in enumerate(profile):
            outside = float(game.outside(n, profile))
            if m < 0:
                expected -= 0.7 * outside
                continue
            reply = game.pair(n, m, profile).reply(posted(n, profile))
            expected += float(reply.profit) - 0.7 * max(0.0, outside - float(reply.utility))
        assert found == pytest.approx(expected, abs=1e-8), profile
