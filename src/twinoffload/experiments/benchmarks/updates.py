"""Agent updates a second of stacked SAC against stable-baselines3's, and against the machine's matrix products."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import polars as pl
import torch

from twinoffload.experiments.benchmarks.bars import Bar
from twinoffload.experiments.benchmarks.peers import import_peer
from twinoffload.experiments.benchmarks.timing import Speed, multiply
from twinoffload.learning.networks import Mlp
from twinoffload.learning.replay import Replay
from twinoffload.learning.sac import SAC, SACSettings
from twinoffload.learning.train_settings import TrainSettings
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream

SEEDS = 10  # stacked
WIDTH, WIDE = 64, 256  # of the two hidden layers: where agents are compared, and where the machine's limit is
STORED = 500  # transitions of the environment that both learn from
MATRIX = 2560  # order of the matrices whose product tells the machine's rate
TIMES_FASTER, MATRIX_SHARE = 15.0, 0.5  # the bars
TURNS = 10  # windows, of which the fastest counts; we, the rivals and the machine's products take turns


def throughput(
    scenario: Scenario, seconds: float = 3.0, each: Callable[[str], None] = lambda name: None
) -> tuple[pl.DataFrame, list[Bar]]:
    """Agent updates a second, one row for each kind of agent, case and number of threads, and the bars.

    An agent update is one gradient step of one agent's actor, both critics and temperature, and of its targets, from
    a batch drawn from its replay. Both learn from the same transitions of the same environment with equal networks,
    batches and settings. "all" updates every agent of all seeds once; the peer does it one agent after another.

    Args:
        scenario: whose operator and mAPs are the agents.
        seconds: about how long all timed windows of a case take together.
        each: called with a label after each row.
    """
    rows, matrix = [], torch.rand(MATRIX, MATRIX)
    paper, default = batches()
    narrow, wide = [(WIDTH, paper), (WIDTH, default)], [(WIDE, default)]
    for threads in thread_counts():
        with using_threads(threads):
            for who in ("operator", "map"):
                members = SEEDS * (1 if who == "operator" else scenario.maps)
                theirs = _Peer(scenario, who)
                ours = {case: stacked(theirs, members, *case) for case in narrow + wide}
                window = seconds / TURNS
                products = Speed(partial(multiply, matrix), window)
                best = {case: Speed(update, window) for case, update in ours.items()}
                peer = {case: Speed(partial(theirs.update, batch=case[1]), window) for case in narrow}
                for _ in range(TURNS):
                    for speed in (products, *best.values(), *peer.values()):
                        speed.take_turn()
                rate = 2 * MATRIX**3 * products.per_second / 1e9
                for case in ours:
                    width, batch = case
                    updates_per_s = members * best[case].per_second
                    flops = updates_per_s * update_flops(theirs.observation, theirs.action, width, batch)
                    rows.append(
                        {
                            "agent": who,
                            "members": members,
                            "width": width,
                            "batch": batch,
                            "threads": threads,
                            "updates_per_s": updates_per_s,
                            "peer_updates_per_s": peer[case].per_second if case in peer else None,
                            "gflop_per_s": flops / 1e9,
                            "matrix_gflop_per_s": rate,
                            "matrix_share": flops / 1e9 / rate,
                        }
                    )
                    each(f"{who} width {width} batch {batch} {threads} threads")
    table = pl.DataFrame(rows, infer_schema_length=None)
    agents = {"operator": SEEDS, "map": SEEDS * scenario.maps}
    return table, [
        *_rival_bars(table.filter(width=WIDTH, batch=paper), agents, f"batch {paper}", TIMES_FASTER),
        *_rival_bars(table.filter(width=WIDTH, batch=default), agents, f"batch {default}"),
        *_machine_bars(table.filter(width=WIDE)),
    ]


def batches() -> tuple[int, int]:
    """The paper's mini-batch (Table 2), at which the bar is, and that of the default settings."""
    return TrainSettings.load("paper-literal").operator.batch, TrainSettings.model_validate({}).operator.batch


def _rival_bars(narrow: pl.DataFrame, agents: dict[str, int], case: str, bound: float | None = None) -> list[Bar]:
    """How many times as fast as the peer, each side at its best number of threads; the bound is on all agents."""

    def updates(column: str, agent: str) -> float:
        return narrow.filter(pl.col("agent") == agent)[column].max()  # type: ignore[return-value]

    def all_agents_s(column: str) -> float:
        """Seconds in which every agent is updated once."""
        return sum(count / updates(column, agent) for agent, count in agents.items())

    times = {agent: updates("updates_per_s", agent) / updates("peer_updates_per_s", agent) for agent in agents}
    times["all"] = all_agents_s("peer_updates_per_s") / all_agents_s("updates_per_s")
    return [
        Bar(f"times stable-baselines3, {case}, {agent}", [value], bound if agent == "all" else None)
        for agent, value in times.items()
    ]


def _machine_bars(wide: pl.DataFrame) -> list[Bar]:
    """What share of the machine's rate of matrix products, at the number of threads where it is largest."""
    share = wide.group_by("agent", maintain_order=True).agg(pl.col("matrix_share").max())
    return [Bar(f"share of matrix rate, width {WIDE}, {agent}", [value], MATRIX_SHARE) for agent, value in share.rows()]


def _environment(scenario: Scenario, who: str) -> Any:
    """Gymnasium's view of the operator, or of the first mAP, among mAPs that react."""
    import_peer("gymnasium")
    from twinoffload.env.gymnasium_envs import AccessPointEnv, OperatorEnv

    if who == "operator":
        return OperatorEnv(scenario, "reactive", price_margin=0.0)
    return AccessPointEnv(scenario, 0, scenario.highest_price, "reactive", amount_margin=0.0)


class _Peer:
    """stable-baselines3's SAC, hidden layers `WIDTH` wide, with transitions of the environment in its replay."""

    def __init__(self, scenario: Scenario, who: str):
        library = import_peer("stable_baselines3")
        self.model = library.SAC(
            "MlpPolicy",
            _environment(scenario, who),
            policy_kwargs={"net_arch": [WIDTH, WIDTH]},
            learning_rate=1e-3,
            buffer_size=STORED,
            learning_starts=STORED + 1,
            seed=0,
            device="cpu",
        )
        self.model.learn(STORED)
        self.observation = self.model.observation_space.shape[0]
        self.action = self.model.action_space.shape[0]

    def update(self, count: int, batch: int) -> None:
        """`count` updates of one agent."""
        self.model.train(count, batch)

    def transitions(self) -> dict[str, torch.Tensor]:
        """What `Replay.add` takes, of one member."""
        buffer = self.model.replay_buffer
        parts = {
            "observation": buffer.observations[:, 0],
            "action": buffer.actions[:, 0],
            "reward": buffer.rewards[:, 0],
            "next_observation": buffer.next_observations[:, 0],
        }
        return {name: torch.from_numpy(part) for name, part in parts.items()}


def stacked(peer: Any, members: int, width: int, batch: int) -> Callable[[int], None]:
    """A function that updates `members` stacked agents of ours as often as it is told."""
    settings = SACSettings.model_validate({"hidden": (width, width), "batch": batch, "discount": 0.99})
    generators = [stream(seed, "throughput") for seed in range(SEEDS)]
    sizes = {"observation": peer.observation, "action": peer.action}
    learner = SAC(settings, members, **sizes, generators=generators)
    replay = Replay(members, STORED, **sizes)
    replay.add(**{name: part.expand(members, *part.shape) for name, part in peer.transitions().items()})

    def update(count: int) -> None:
        for _ in range(count):
            learner.update(replay.sample(batch, generators))

    return update


def update_flops(observation: int, action: int, width: int, batch: int) -> int:
    """Floating-point operations of the matrix products in one agent's update of SAC with twin critics.

    A product of `[B, I]` and `[I, O]` has 2 B I O. Once each: the actor at the next observation and the targets; the
    critics, forward and their parameters' gradient; the actor and the critics forward, the critics' gradient by the
    action (and not by what else they see) and the actor's by its parameters. Entropy, ReLU, Adam and targets are not
    counted.
    """
    actor = Mlp((observation, width, width, 2 * action))
    critic = Mlp((observation + action, width, width, 1))

    def products(network: Mlp, first: int = 0) -> int:
        pairs = list(zip(network.widths, network.widths[1:], strict=False))[first:]
        return 2 * batch * sum(a * b for a, b in pairs)

    target = products(actor) + 2 * products(critic)
    regression = 2 * (2 * products(critic) + products(critic, first=1))
    by_action = products(critic) - 2 * batch * observation * width
    improvement = 2 * products(actor) + products(actor, first=1) + 2 * (products(critic) + by_action)
    return target + regression + improvement


def thread_counts() -> list[int]:
    """1, and 2 where the machine has them."""
    return [1, 2][: os.cpu_count() or 1]


@contextmanager
def using_threads(count: int) -> Iterator[None]:
    """Let torch use so many threads for a while."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
