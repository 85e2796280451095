"""Do the written graphs decide as the trained policy does? Played on held-out slots, by both, in batches of several sizes.

Policy and graphs see the same slots; the graphs see them as physical values alone. The policy's decisions are then
played. A difference is relative to the end of the range: the highest price, the largest task.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from twinoffload.env.episodes import draw_episodes
from twinoffload.env.slots import Slots
from twinoffload.game.terms import Terms
from twinoffload.learning.export.policies import Policy
from twinoffload.learning.export.ports import PORTS
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream

TOLERANCE = 1e-5
TIES = 0.01  # largest share of decisions for another BS, to which the same data goes within the tolerance
SIZES = (1, 3, 64)  # batch sizes
SLOTS = 6  # of each episode

Decide = Callable[[dict[str, Tensor]], dict[str, Tensor]]


@dataclass(frozen=True)
class Agreement:
    """What the comparison found.

    Attributes:
        difference: largest of price and data, relative.
        ties: decisions for another BS at the same data.
        decisions: of mAPs, in all.
        shapes: compared, `[B, N, M]` each.
    """

    difference: float
    ties: int
    decisions: int
    shapes: list[list[int]]


def check(policy: Policy, operator: Decide, maps: Decide, seed: int = 0) -> Agreement:
    """Compare graphs with the policy that they were made of.

    Args:
        policy: plays the slots.
        operator, maps: the graphs: inputs by name to outputs by name.
        seed: which held-out slots.

    Raises:
        ValueError: they differ by more than `TOLERANCE`, choose other BSs, or give shapes or types that are wrong.
    """
    found, ties, decisions, shapes = 0.0, 0, 0, []
    for at, (scenario, count) in enumerate((s, c) for s in _sizes(policy) for c in SIZES):
        shapes.append([count, scenario.maps, scenario.stations])
        episodes = draw_episodes(scenario, count, [stream(seed, f"export {at}")], slots=SLOTS)
        slots = Slots(episodes)
        policy.scheme.begin(slots)
        for _ in range(SLOTS):
            price = policy.scheme.price(slots)
            association, data = policy.scheme.offload(slots, price)
            posted = operator(physical(policy.operator_inputs, scenario, slots, slots.public_terms))
            sent = maps(physical(policy.maps_inputs, scenario, slots, slots.terms, price))
            for name, value, answer, range_ in (
                ("price", price, posted, scenario.highest_price),
                ("data", data, sent, float(scenario.market().terms(*price.shape[-2:]).raw_data.max())),
            ):
                found = max(found, _difference(name, value[0], answer[name], range_))
            other = _others("association", association[0], sent["association"])
            ties, decisions = ties + int(other.sum()), decisions + other.numel()
            slots.step(price, association, data)
    if ties > TIES * decisions:
        raise ValueError(
            f"association: the ONNX graph chooses another BS than torch in {ties} of {decisions} decisions; this policy "
            "cannot be exported"
        )
    return Agreement(found, ties, decisions, shapes)


def physical(
    names: Sequence[str], scenario: Scenario, slots: Slots, terms: Terms, price: Tensor | None = None
) -> dict[str, Tensor]:
    """Inputs of a graph, `[B, ...]`, from slots of batch axes [1, B] and the terms that whoever decides knows."""
    pairs = {"gain": slots.gain, "price": price, "last_interference": slots.last_interference}
    constant = scenario.market().pairs(scenario.maps, scenario.stations)
    values = {}
    for name in names:
        value = pairs.get(name)
        if value is None:
            axes = PORTS[name].axes
            tensor = getattr(terms, name) if name in terms.tensors() else constant[name]
            value = tensor[..., 0] if axes[-1] == "maps" else tensor[..., 0, :]
            size = scenario.maps if axes[-1] == "maps" else scenario.stations
            value = value.expand(*slots.gain.shape[:-2], size)
        values[name] = value[0]
    return values


def _sizes(policy: Policy) -> list[Scenario]:
    """The scenario, and where both graphs leave sizes free, larger and smaller networks too."""
    scenario, free = policy.scenario, policy.operator_free & policy.maps_free
    found = [scenario]
    if "maps" in free:
        found += [scenario.replace(maps=n) for n in (1, scenario.maps + 3)]
    if "stations" in free:
        most = len(scenario.station_positions)
        found += [scenario.replace(stations=m) for m in {1, most} - {scenario.stations}]
    return found


def _difference(name: str, value: Tensor, answer: Tensor, range_: float) -> float:
    _same_form(name, value, answer)
    found = float((answer - value).abs().max() / max(range_, 1e-12))
    if not found <= TOLERANCE:
        raise ValueError(
            f"{name}: the ONNX graph differs from torch by {found:.1e} of its range, more than {TOLERANCE:.0e}; this policy "
            "cannot be exported"
        )
    return found


def _others(name: str, value: Tensor, answer: Tensor) -> Tensor:
    _same_form(name, value, answer)
    return answer != value


def _same_form(name: str, value: Tensor, answer: Tensor) -> None:
    if answer.shape != value.shape or answer.dtype != value.dtype:
        raise ValueError(
            f"{name}: the ONNX graph gives {answer.dtype} {list(answer.shape)}, expected {value.dtype} "
            f"{list(value.shape)}"
        )
