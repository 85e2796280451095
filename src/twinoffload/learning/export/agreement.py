"""Do the written graphs decide as the trained policy does? Both play held-out slots, in batches of several sizes.

Policy and graphs see the same slots, the graphs as physical values alone; the policy's decisions are then played. A
difference is relative to the end of the range: the highest price, the largest task.

A choice between BSs that are equally good to the last digits is no fault of a graph that rounds them in another order.
Such a tie shows in one of two ways: as much is sent to the other BS, or the policy itself decides as the graph did once
the gains change by a millionth. Ties are counted, and few are allowed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from twinoffload.env.episodes import draw_episodes
from twinoffload.env.slots import Slots
from twinoffload.env.view import Seen, View
from twinoffload.game.terms import Terms
from twinoffload.learning.export.policies import Policy
from twinoffload.learning.export.ports import PORTS
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream

TOLERANCE = 1e-5
TIES = 0.01  # largest share of decisions that are ties
SIZES = (1, 3, 64)  # batch sizes
SLOTS = 6  # of each episode
NUDGES, NUDGE = 64, 1e-6  # changed gains tried, and by how much, relative

Decision = dict[str, Tensor]  # outputs of a graph by name, `[B, ...]`
Decide = Callable[[dict[str, Tensor]], Decision]  # inputs by name to outputs by name


@dataclass
class Agreement:
    """What the comparison found.

    Attributes:
        difference: largest of price and data, relative, ties aside.
        ties: decisions for another of equally good BSs.
        decisions: prices and offloads of mAPs, in all.
        shapes: compared, `[B, N, M]` each.
    """

    difference: float = 0.0
    ties: int = 0
    decisions: int = 0
    shapes: list[list[int]] = field(default_factory=list)

    def add(self, torch_: Decision, onnx: Decision, most: float, nudged: Callable[[], Decision]) -> None:
        """Compare a decision whose range ends at `most`; `nudged` decides again with gains changed a little.

        Raises:
            ValueError: they differ.
        """
        for name, value in torch_.items():
            if onnx[name].shape != value.shape or onnx[name].dtype != value.dtype:
                form, expected = (f"{tensor.dtype} {list(tensor.shape)}" for tensor in (onnx[name], value))
                raise ValueError(f"{name}: the ONNX graph gives {form}, expected {expected}")
        distance = _distance(torch_, onnx, most)
        wrong = ~(distance <= TOLERANCE)
        tied = ~(wrong | _same_station(torch_, onnx))
        self.difference = max(self.difference, float(torch.where(wrong, 0.0, distance).max()))
        unexplained = wrong
        for _ in range(NUDGES if bool(wrong.any()) else 0):
            again = nudged()
            unexplained = unexplained & ~((_distance(again, onnx, most) <= TOLERANCE) & _same_station(again, onnx))
        if unexplained.any():
            raise ValueError(
                f"{' and '.join(torch_)}: the ONNX graph differs from torch by {float(distance.max()):.1e} of the "
                f"range, more than {TOLERANCE:.0e}; this policy cannot be exported"
            )
        self.ties += int((wrong | tied).sum())
        self.decisions += wrong.numel()


def check(policy: Policy, operator: Decide, maps: Decide, seed: int = 0) -> Agreement:
    """Compare the graphs `operator` and `maps` with the policy that they were made of, on held-out slots of a seed.

    Raises:
        ValueError: they differ by more than `TOLERANCE`, choose other BSs, or give shapes or types that are wrong.
    """
    agreement, noise = Agreement(), stream(seed, "export nudges")
    for at, (scenario, count) in enumerate((s, c) for s in _sizes(policy) for c in SIZES):
        agreement.shapes.append([count, scenario.maps, scenario.stations])
        slots = Slots(draw_episodes(scenario, count, [stream(seed, f"export {at}")], slots=SLOTS))
        policy.scheme.begin(slots)
        for _ in range(SLOTS):
            _compare_slot(agreement, policy, scenario, slots, (operator, maps), noise)
    if agreement.ties > TIES * agreement.decisions:
        raise ValueError(
            f"association: the ONNX graph chooses another BS than torch in {agreement.ties} of {agreement.decisions} "
            "decisions, too many for ties; this policy cannot be exported"
        )
    return agreement


def _compare_slot(
    agreement: Agreement,
    policy: Policy,
    scenario: Scenario,
    slots: Slots,
    graphs: tuple[Decide, Decide],
    noise: torch.Generator,
) -> None:
    """Compare both decisions of a slot, and play the policy's; prices are drawn where the operator has another size."""
    scheme = policy.scheme
    fits = all(
        axis in policy.operator_free or getattr(scenario, axis) == getattr(policy.scenario, axis)
        for axis in ("maps", "stations")
    )
    drawn = torch.rand(slots.gain.shape, dtype=torch.float64, generator=noise) * scenario.highest_price
    price = scheme.price(slots) if fits else drawn

    def nudged(terms: Terms) -> Seen:
        change = 2.0 * torch.rand(slots.gain.shape, dtype=torch.float64, generator=noise) - 1.0
        return Seen(slots.gain * (1.0 + NUDGE * change), terms, slots.last_interference)

    def posted(view: View) -> Decision:
        return {"price": scheme.price(view)[0]}

    def sent(view: View) -> Decision:
        association, data = scheme.offload(view, price)
        return {"association": association[0], "data": data[0]}

    if fits:
        answer = graphs[0](physical(policy.operator_inputs, scenario, slots, slots.public_terms))
        agreement.add(posted(slots), answer, scenario.highest_price, lambda: posted(nudged(slots.public_terms)))
    answer = graphs[1](physical(policy.maps_inputs, scenario, slots, slots.terms, price))
    most = float(torch.as_tensor(scenario.market().raw_data).max())
    agreement.add(sent(slots), answer, most, lambda: sent(nudged(slots.terms)))
    slots.step(price, *scheme.offload(slots, price))


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
            tensor = getattr(terms, name) if name in terms.tensors() else constant[name]
            of_map = PORTS[name].axes[-1] == "maps"
            value = tensor[..., 0] if of_map else tensor[..., 0, :]
            value = value.expand(*slots.gain.shape[:-2], scenario.maps if of_map else scenario.stations)
        values[name] = value[0]
    return values


def _sizes(policy: Policy) -> list[Scenario]:
    """The scenario, and where sizes are free, smaller and larger networks too."""
    scenario, free = policy.scenario, policy.maps_free
    found = [scenario]
    if scenario.gains is not None:  # of other sizes it has none
        scenario = scenario.replace(gains=None, station_positions=[(0.5, 0.5)] * scenario.stations)
    if "maps" in free:
        found += [scenario.replace(maps=n) for n in (1, scenario.maps + 3)]
    if "stations" in free:
        found += [scenario.replace(stations=m) for m in {1, len(scenario.station_positions)} - {scenario.stations}]
    return found


def _distance(one: Decision, other: Decision, most: float) -> Tensor:
    """Difference of prices or data of each mAP as a share of their range, `[B, N]`."""
    if "price" in one:
        return (one["price"] - other["price"]).abs().amax(-1) / most
    return (one["data"] - other["data"]).abs() / max(most, 1e-12)


def _same_station(one: Decision, other: Decision) -> Tensor:
    """Whether each mAP is on the same BS, `[B, N]`; of prices, always."""
    return one["association"] == other["association"] if "association" in one else torch.tensor(True)
