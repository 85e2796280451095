"""How the amortised policies learn: by imitation of `posted` at first, then by the payoffs of the game itself.

The operator's network recommends BSs at random by its probabilities. For some mAPs of a slot every other choice is
tried while the rest stays: the payoffs of the game, known in closed form, say what each would have been worth, and the
probabilities follow the gradient of the expected payoff without any critic (local expectation gradients; Titsias and
Lázaro-Gredilla 2015). What the operator maximises is its utility less what mAPs would regret: a recommendation that is
not in their interest would not be followed for long. Prices of private worth follow the gradient of the profit itself.

Payoffs alone settle on conventions that are safe while the network is still imprecise; so it goes on imitating, less
and less, wherever `posted` can be solved.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from twinoffload.env.episodes import draw_episodes
from twinoffload.env.slots import Slots
from twinoffload.equilibrium.dispatch import solve_flat
from twinoffload.equilibrium.outcome import chosen
from twinoffload.equilibrium.profiles import profile_count
from twinoffload.game.accuracy_law import need_eq_7
from twinoffload.game.payoff import profit, unit_delay, unit_delay_cost
from twinoffload.game.price_code import encode
from twinoffload.game.response import best_data
from twinoffload.game.terms import Terms
from twinoffload.learning.amortised.maps import LONGEST_S
from twinoffload.learning.amortised.memory import Known
from twinoffload.learning.amortised.offers import at_choice
from twinoffload.learning.amortised.operator import drawn
from twinoffload.learning.amortised.scheme import Amortised
from twinoffload.learning.amortised.settings import AmortisedSettings
from twinoffload.learning.guard import DivergenceWarning
from twinoffload.learning.optimiser import Adam
from twinoffload.learning.streams import uniform
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream

MEASURED = 128  # slots a seed in which an episode's end is measured
LEAST_RATE = 0.02  # of the learning rate, at the end
LEAST_IMITATION = 0.3  # of its weight, at the end
CLIP = 5.0
REMEMBERED = 3  # slots of an episode, at most, that are played before the one from which is learned
LAYOUT_EXAMPLES = 100  # solved in each scattered layout
LARGEST_COST = 1e12  # what the delay of a MB costs at most, money; nobody buys from there on


class AmortisedTrainer:
    """Training in progress; `run` goes on from wherever it stands, an episode at a time.

    Args:
        scenario: what is learned; of its own size where the settings name no sizes.
        settings: how.
        seeds: one for each row; rows do not see each other.
        device: where everything is computed.

    Attributes:
        episode: episodes done.
        stopped: which rows have diverged; they keep their last good weights.
        agents: the policies as they stand.
    """

    def __init__(
        self, scenario: Scenario, settings: AmortisedSettings, seeds: Sequence[int], device: torch.device | str = "cpu"
    ):
        check_trainable(scenario, settings)
        self.scenario, self.settings, self.seeds, self.device = scenario, settings, list(seeds), device
        self.sizes = sizes(scenario, settings)
        self.generators = [stream(seed, "amortised") for seed in seeds]  # on the CPU, where episodes are drawn
        self.agents = Amortised(scenario, settings, seeds, self.generators)
        self.agents.weights = {name: weights.to(device) for name, weights in self.agents.weights.items()}
        self.optimisers = {
            name: Adam(weights, torch.full((len(self.seeds),), settings.rate, device=device), clip=CLIP)
            for name, weights in self.agents.weights.items()
        }
        self.episode = 0
        self.stopped = [False] * len(self.seeds)
        self._keep_weights()
        self._examples: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}

    def start_from(self, agents: Amortised) -> None:
        """Begin with the weights of other policies of the same layout, row by row; before the first episode only."""
        for name, weights in self.agents.weights.items():
            weights.copy_(agents.weights[name])
        self._keep_weights()

    def run(self, each_episode: Callable[[list[dict[str, Any]]], None]) -> None:
        """Train until the episodes are done; after each, `each_episode` gets one row of metrics a seed.

        Warns:
            DivergenceWarning: a row was stopped.
        """
        while self.episode < self.settings.episodes:
            rows = self.play_episode()
            self.episode += 1
            each_episode(rows)

    def play_episode(self) -> list[dict[str, Any]]:
        """Learn for an episode, then measure the policies as they play; one row of metrics a seed."""
        measured: dict[str, list[Tensor]] = {}
        for update in range(self.settings.updates):
            for name, value in self._update(self.episode * self.settings.updates + update).items():
                measured.setdefault(name, []).append(value.detach())
        means = {name: torch.stack(values, -1).mean(-1) for name, values in measured.items()} | self._measure()
        self._stop_diverged()
        table = {name: value.tolist() for name, value in means.items()}
        return [
            {"episode": self.episode, "seed": seed}
            | {name: values[row] for name, values in table.items()}
            | {"stopped": self.stopped[row]}
            for row, seed in enumerate(self.seeds)
        ]

    def _update(self, update: int) -> dict[str, Tensor]:
        """One update of every network."""
        settings = self.settings
        done = update / (settings.episodes * settings.updates)
        sized = self.sizes[update % len(self.sizes)]
        turn = update // len(self.sizes)
        is_scattered = int((turn + 1) * settings.scattered) > int(turn * settings.scattered)
        solved = self._can_imitate(sized)
        for weights in self.agents.weights.values():
            weights.requires_grad_()
        losses = self._imitate(sized) if solved else {}
        weight = 1.0
        if not (solved and done < settings.imitation):
            losses |= self._try_choices(scatter(sized, update) if is_scattered else sized, update, done)
            weight = settings.imitation_weight * (1.0 - (1.0 - LEAST_IMITATION) * done)
        total = [loss.sum() * (weight if name == "imitation_loss" else 1.0) for name, loss in losses.items()]
        torch.stack(total).sum().backward()
        rate = LEAST_RATE + (1.0 - LEAST_RATE) * min(1.0, 2.0 * (1.0 - done))
        for name, weights in self.agents.weights.items():
            weights.requires_grad_(False)
            gradient, weights.grad = weights.grad, None
            if gradient is not None:
                self.optimisers[name].step(gradient, rate)
        return losses

    def _can_imitate(self, sized: Scenario) -> bool:
        """Whether examples are wanted, and there are any: `posted` may have no solution in all that were drawn."""
        wanted = self.settings.imitation_weight > 0.0 and _profiles(sized) <= self.settings.example_limit
        return wanted and len(self._solved(sized)[0]) > 0

    def _imitate(self, sized: Scenario) -> dict[str, Tensor]:
        """Cross-entropy with the associations of `posted`."""
        gain, target = self._solved(sized)
        shape = (len(self.seeds), self.settings.batch)
        rows = (self._uniform(shape) * len(gain)).long()
        terms = sized.market().terms(sized.maps, sized.stations, gain.device)
        scores = self.agents.operator.scores(self.agents.recommend_layers, terms, gain[rows])
        wanted = torch.where(target < 0, sized.stations, target)[rows].unsqueeze(-1)
        return {"imitation_loss": -scores.gather(-1, wanted).sum((-2, -1)).mean(-1)}

    def _try_choices(self, sized: Scenario, update: int, done: float) -> dict[str, Tensor]:
        """The payoffs of recommendations, prices and replies, and of other choices than those drawn."""
        settings, agents = self.settings, self.agents
        known, terms, gain = self._situation(sized, update)
        scores = agents.operator.scores(agents.recommend_layers, known.terms, gain)
        chances = scores.exp()
        with torch.no_grad():
            association = drawn(scores, sized.stations, self._uniform(gain.shape[:-1]))
            tried = self._credited(gain.shape[:-1])
            payoff = self._payoff_of_choices(known, terms, gain, association, tried, scores.shape[-1]).float()
        credited = chances.gather(-2, tried.unsqueeze(-1).expand(*tried.shape, scores.shape[-1]))
        expected = (credited * (payoff - payoff.mean(-1, keepdim=True))).sum(-1).mean((-1, -2)) * sized.maps
        entropy = -(chances * scores).sum((-2, -1)).mean(-1)
        eager = settings.entropy * max(0.0, 1.0 - 1.25 * done)
        return {"recommend_loss": -expected - eager * entropy} | self._other_losses(known, terms, gain, association)

    def _past(self, update: int) -> int:
        """How many slots of its episode come before the one that is learned from; each size meets every number."""
        return update // len(self.sizes) % (REMEMBERED + 1) if self.scenario.is_private else 0

    def _situation(self, sized: Scenario, update: int) -> tuple[Known, Terms, Tensor]:
        """A fresh slot; where worth is private, after none to several slots of its episode, in turn."""
        past = self._past(update)
        episodes = draw_episodes(sized, self.settings.batch, self.generators, slots=past + 1, device=self.device)
        slots, player = Slots(episodes), self.agents.quick()
        player.begin(slots)
        for _ in range(past):
            price = player.price(slots)
            slots.step(price, *player.offload(slots, price))
        return player.known(slots), slots.terms, slots.gain

    def _payoff_of_choices(
        self, known: Known, terms: Terms, gain: Tensor, association: Tensor, tried: Tensor, choices: int
    ) -> Tensor:
        """The operator's payoff if mAP `tried` chose otherwise, `[S, B, credited, choices]`."""
        stations = gain.shape[-1]
        option = torch.arange(choices, device=gain.device)
        option = torch.where(option < stations, option, -1)
        is_tried = tried.unsqueeze(-1) == torch.arange(gain.shape[-2], device=gain.device)  # [S, B, credited, N]
        others = association[..., None, None, :]
        choice = torch.where(is_tried.unsqueeze(-2), option.unsqueeze(-1), others)
        known, terms = known.insert_axis().insert_axis(), terms.insert_axis().insert_axis()
        return self.agents.operator.payoff(
            self.agents.pricing_layers, known, terms, gain[..., None, None, :, :], choice
        )

    def _other_losses(self, known: Known, terms: Terms, gain: Tensor, association: Tensor) -> dict[str, Tensor]:
        """Of the mAPs' network, and of the prices where worth is private."""
        operator, maps = self.agents.operator, self.agents.maps
        offer = operator.offer(self.agents.pricing_layers, known, gain, association)
        association = offer.association  # without those who would send nothing, where idle mAPs are silent
        own, is_on = at_choice(terms, association), association >= 0
        time = unit_delay(own, offer.rate).clamp(max=LONGEST_S)
        price = encode(offer.price.detach(), time, operator.step)
        excess = time.log().float() - maps.log_time(self.agents.maps_layers, own, chosen(gain, association), price)
        deviance = torch.where(is_on, _deviance(excess), 0.0)
        losses = {"maps_loss": deviance.sum((-2, -1)) / is_on.sum((-2, -1)).clamp(min=1)}
        if operator.pricing is not None:
            cost = unit_delay_cost(own, offer.rate).clamp(max=LARGEST_COST)  # from inf on the slope would be NaN
            data = best_data(own, cost, offer.price)
            earned = torch.where(is_on, profit(own, offer.price, data), 0.0)
            losses["pricing_loss"] = -earned.sum(-1).mean(-1)
        return losses

    def _credited(self, shape: torch.Size) -> Tensor:
        """Which mAPs' other choices are tried, int64 `[S, B, credited]`."""
        maps = shape[-1]
        if maps <= self.settings.credited:
            return torch.arange(maps, device=self.device).expand(shape)
        return self._uniform(shape).argsort(-1)[..., : self.settings.credited]

    def _uniform(self, shape: Sequence[int]) -> Tensor:
        """Numbers in [0, 1), each row by its own generator."""
        return ((uniform(shape, self.generators) + 1.0) / 2.0).to(self.device)

    def _solved(self, sized: Scenario) -> tuple[Tensor, Tensor]:
        """Slots of a size and where `posted` puts everybody, worth at its mean: the same for all rows."""
        size = (sized.maps, sized.stations)
        if size not in self._examples:
            count = self.settings.examples
            scattered = 0 if sized.gains is not None else round(count * self.settings.scattered)
            several = -(-scattered // LAYOUT_EXAMPLES)
            gains = [scatter(sized, at).sample_gain(LAYOUT_EXAMPLES, seed=at) for at in range(several)]
            gain = torch.cat([sized.sample_gain(count, seed=0)[scattered:], *gains])[:count]
            outcome = solve_flat("posted", sized.market().terms(*size).flatten(gain.shape[:-2]), gain)
            solved = outcome.operator_utility.isfinite()  # some slots have no solution within the cap
            self._examples[size] = gain[solved].to(self.device), outcome.association[solved].to(self.device)
        return self._examples[size]

    def _measure(self) -> dict[str, Tensor]:
        """How the policies play fresh slots of the scenario's own size, `[S]` each."""
        generators = [stream(seed, f"amortised measured {self.episode}") for seed in self.seeds]
        past = REMEMBERED if self.scenario.is_private else 0
        slots = Slots(draw_episodes(self.scenario, MEASURED, generators, slots=past + 1, device=self.device))
        self.agents.begin(slots)
        for _ in range(past):
            price = self.agents.price(slots)
            slots.step(price, *self.agents.offload(slots, price))
        price = self.agents.price(slots)
        association, data = self.agents.offload(slots, price)
        payoff = slots.step(price, association, data)
        return {
            "operator_utility_money": payoff["operator_utility"].mean(-1),
            "map_utility_money": payoff["map_utility"].mean((-2, -1)),
            "map_regret_money": payoff["regret"].mean((-2, -1)),
            "data_mb": data.mean((-2, -1)),
        }

    def _stop_diverged(self) -> None:
        """Give rows whose weights are no longer finite those from before the episode, and hold them there."""
        finite = torch.stack([weights.isfinite().all(-1) for weights in self.agents.weights.values()]).all(0).tolist()
        for row, good in enumerate(finite):
            if not (good or self.stopped[row]):
                warnings.warn(
                    f"seed {self.seeds[row]} stopped in episode {self.episode}: its weights are not finite; those from "
                    "before that episode are kept and frozen, the other seeds go on. Lower rate",
                    DivergenceWarning,
                    stacklevel=4,
                )
                self.stopped[row] = True
        for name, weights in self.agents.weights.items():
            for row, stopped in enumerate(self.stopped):
                if stopped:
                    weights[row] = self._good[name][row]
        self._keep_weights()

    def _keep_weights(self) -> None:
        self._good = {name: weights.clone() for name, weights in self.agents.weights.items()}

    def state(self) -> dict[str, Tensor]:
        """Everything needed to go on to the same bit; call between episodes."""
        optimisers = {
            f"{name}.{part}": tensor for name, each in self.optimisers.items() for part, tensor in each.state().items()
        }
        tensors = {f"{name}.weights": weights for name, weights in self.agents.weights.items()} | optimisers
        return {name: tensor.clone() for name, tensor in tensors.items()} | {
            "random": torch.stack([generator.get_state() for generator in self.generators]),
            "episode": torch.tensor(self.episode),
            "stopped": torch.tensor(self.stopped),
        }

    def load(self, state: dict[str, Tensor]) -> None:
        """Take over what `state` gave.

        Raises:
            ValueError: it was made with other settings.
        """
        own = self.state()
        if own.keys() != state.keys():
            raise ValueError(f"state differs in {sorted(own.keys() ^ state.keys())}: other settings made it")
        for name, tensor in own.items():
            if tensor.shape != state[name].shape:
                raise ValueError(f"{name} has shape {list(state[name].shape)}, expected {list(tensor.shape)}")
        for name, weights in self.agents.weights.items():
            weights.copy_(state[f"{name}.weights"])
            for part, tensor in self.optimisers[name].state().items():
                tensor.copy_(state[f"{name}.{part}"])
        for generator, saved in zip(self.generators, state["random"], strict=True):
            generator.set_state(saved.clone())
        self.episode, self.stopped = int(state["episode"]), state["stopped"].tolist()
        self._keep_weights()


def check_trainable(scenario: Scenario, settings: AmortisedSettings) -> None:
    """Refuse what cannot be trained, before any work.

    Raises:
        ValueError: naming the field and the remedy.
    """
    need_eq_7(scenario.accuracy_law, "`amortised`")
    for sized in [scenario, *sizes(scenario, settings)]:  # of its own size it is measured
        sized.check_episodes()
    if scenario.highest_price == 0.0:
        raise ValueError(f"scenario {scenario.name}: price_cap = 0 leaves the operator no price to learn; raise it")


def sizes(scenario: Scenario, settings: AmortisedSettings) -> list[Scenario]:
    """The scenario in every size that is trained on."""
    maps = range(settings.maps[0], settings.maps[1] + 1) if settings.maps else (scenario.maps,)
    stations = range(settings.stations[0], settings.stations[1] + 1) if settings.stations else (scenario.stations,)
    return [scenario.replace(maps=n, stations=m) for m in stations for n in maps]


def scatter(scenario: Scenario, number: int) -> Scenario:
    """The scenario with its BSs at independent places, uniform in the square; each number gives others."""
    places = torch.rand((scenario.stations, 2), dtype=torch.float64, generator=stream(number, "scattered BSs"))
    return scenario.replace(station_positions=places.tolist())


def _profiles(sized: Scenario) -> int:
    return profile_count(sized.maps, sized.stations, sized.idle_interferes)


def _deviance(excess: Tensor, linear: float = 2.0) -> Tensor:
    """exp(x) - x of the log-ratio x, least at 0, carried on in a straight line beyond `linear`."""
    bent = excess.clamp(max=linear)
    return bent.exp() * (1.0 + excess - bent) - excess
