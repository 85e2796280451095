"""What operator and mAPs imitate while they learn: prices that recommend a BS, and best replies found in hindsight.

Learners do not find by themselves that prices can steer mAPs: while nobody follows a recommendation it costs money to
make one. So the operator is shown, in slots drawn for that alone, the association of `posted`, told by prices: the
recommended offer stands a small step below the end of the price range (or at its best price where that is lower), the
others an equal step beyond the end, where all actions mean the same price. A network that cannot tell which of two BSs
is recommended answers the mean, the end of the range for both; how deep its discount is says how sure it is.

The mAPs are shown, after every slot, what would have been the best reply to its prices and to what the others did (as
the central critics, they are told this slot's interference; nobody is when deciding). One who had better send nothing
waits at the BS of the lowest price, where the operator wants it: where idle mAPs radiate, it is not indifferent to the
others where that is. Learning from what an expert would have done in the learner's own situations is DAgger (Ross et
al. 2011); adding imitation to the actor's loss is that of Nair et al. (2018) and TD3+BC (Fujimoto and Gu 2021).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from twinoffload.env.observation import Encoder
from twinoffload.env.slots import Slots
from twinoffload.equilibrium.dispatch import solve_flat, strongest_station
from twinoffload.equilibrium.profiles import check_enumerable
from twinoffload.game.pairs import pair_rate
from twinoffload.game.payoff import map_utility, unit_delay_cost
from twinoffload.game.pricing import best_price, trades
from twinoffload.game.response import best_data
from twinoffload.learning.agents import Agents
from twinoffload.learning.replay import Replay, Transition
from twinoffload.learning.rows import draw_rows
from twinoffload.learning.train_settings import TrainSettings
from twinoffload.network.link import connected
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream

DEPTH = 0.02  # of the step, as a share of the price range


def check_teachable(scenario: Scenario, settings: TrainSettings) -> None:
    """Refuse, before any work, what a teacher cannot show.

    Raises:
        ValueError: naming the field and the remedy.
    """
    count, weight = settings.demonstrations, settings.operator.imitation
    if (count > 0) != (weight > 0.0):
        raise ValueError(
            f"demonstrations = {count} with operator.imitation = {weight:g}: one is of no use without the other; "
            "set both, or both to 0"
        )
    if count > 0:
        what, remedy = f"scenario {scenario.name}", "set demonstrations and operator.imitation to 0, or take fewer mAPs"
        check_enumerable(what, scenario.maps, scenario.stations, scenario.idle_interferes, remedy)


class Teacher:
    """What operator and mAPs imitate beside what they find out by themselves.

    The operator's demonstrations are made anew, the same, whenever a training begins or goes on; what the mAPs look
    back on is gathered as they play, and is state.

    Args:
        scenarios: of each row.
        settings: of the training.
        agents: who learns.
    """

    def __init__(self, scenarios: Sequence[Scenario], settings: TrainSettings, agents: Agents):
        self.agents = agents
        self.shown: dict[str, Replay] = {}
        kept = {"operator": settings.demonstrations, "maps": settings.replay}
        for name, learner in agents.learners.items():
            if learner.settings.imitation > 0.0:
                sizes = {"observation": learner.sizes["observation"], "action": learner.sizes["action"]}
                buffer = Replay(learner.members, kept[name], **sizes, store_next=False, device=learner.device)
                self.shown[name] = buffer
        if "operator" in self.shown:
            self._show("operator", *demonstrations(scenarios, settings.demonstrations, agents.encoder))

    def look_back(self, slots: Slots, seen: Tensor, price: Tensor, association: Tensor, data: Tensor) -> None:
        """Remember what mAPs, who saw `seen`, had better do in a slot that is about to be played; see `hindsight`."""
        if "maps" in self.shown:
            wanted = hindsight(slots, self.agents.encoder, price, association, data)
            self._show("maps", seen, self.agents.by_member(wanted))

    def examples(self, name: str) -> Transition | None:
        """A batch for the "operator" or the "maps" to imitate; None where they do not."""
        if name not in self.shown:
            return None
        batch = self.agents.learners[name].settings.batch
        return self.shown[name].sample(batch, self.agents.generators[name])

    def state(self) -> dict[str, Tensor]:
        """What `load` needs to go on to the same bit."""
        return self.shown["maps"].state() if "maps" in self.shown else {}

    def load(self, state: dict[str, Tensor]) -> None:
        """Take over what `state` gave.

        Raises:
            ValueError: it was made with other settings.
        """
        if "maps" in self.shown:
            self.shown["maps"].load(state)

    def _show(self, name: str, observation: Tensor, action: Tensor) -> None:
        self.shown[name].add(observation, action, torch.zeros_like(action[..., 0]))


def demonstrations(scenarios: Sequence[Scenario], count: int, encoder: Encoder) -> tuple[Tensor, Tensor]:
    """What an operator who solves `posted` sees and does in independent slots; the same whenever it is asked for.

    Rows of one scenario see the same slots. Where no association can be implemented, everybody is sent to its strongest
    BS.

    Args:
        scenarios: of each row.
        count: slots shown to each row.
        encoder: of the agents.

    Returns:
        Features and actions, `[S, count, N M]` each.
    """
    rows = scenarios[:1] if all(scenario == scenarios[0] for scenario in scenarios) else scenarios
    generators = [stream(0, "demonstrations") for _ in rows]
    slots = Slots(draw_rows(rows, count, generators, slots=1, device=encoder.center.device))
    shown = encoder.operator_features(slots), encoder.operator_action(_recommending(slots, encoder.highest_price))
    features, action = (each.expand(len(scenarios), *each.shape[1:]) for each in shown)
    return features, action


def _recommending(slots: Slots, highest: Tensor) -> Tensor:
    """Prices that recommend `posted`'s association, money/MB, `[..., N, M]`; see the module."""
    gain, terms, batch = slots.gain, slots.public_terms, slots.gain.shape[:-2]
    outcome = solve_flat("posted", terms.flatten(batch), gain.reshape(-1, *gain.shape[-2:])).reshape(batch)
    solved = outcome.operator_utility.isfinite().unsqueeze(-1)
    on = connected(torch.where(solved, outcome.association, strongest_station(gain)), gain.shape[-1])
    delay_cost = unit_delay_cost(terms, pair_rate(terms, gain, on))
    price = torch.where(trades(terms, delay_cost), best_price(terms, delay_cost), torch.inf)
    return torch.where(on, torch.minimum(price, highest * (1.0 - DEPTH)), highest * (1.0 + DEPTH))


def hindsight(slots: Slots, encoder: Encoder, price: Tensor, association: Tensor, data: Tensor) -> Tensor:
    """The mAPs' actions that would have been best replies to a slot's prices and to what the others did, `[..., N, M]`.

    Args:
        slots: the slot, not yet played.
        encoder: of the agents.
        price: posted, money/MB, `[..., N, M]`.
        association: BS of each mAP, int64 `[..., N]`.
        data: MB sent there, `[..., N]`.
    """
    terms, on = slots.terms, connected(association, price.shape[-1])
    if not terms.idle_interferes:
        on = on & (data > 0.0).unsqueeze(-1)
    delay_cost = unit_delay_cost(terms, pair_rate(terms, slots.gain, on))
    best = best_data(terms, delay_cost, price)
    worth = map_utility(terms, delay_cost, price, best)
    choice = torch.where(worth.amax(-1) > 0.0, worth.argmax(-1), price.argmin(-1))
    wanted = encoder.map_action(slots, best)
    return torch.where(connected(choice, price.shape[-1]), wanted, -1.0)
