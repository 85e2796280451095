"""Training at the BSs, and what it is worth: accuracy by Eq. 8 on held-out data."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from twinoffload.learning.networks import Mlp
from twinoffload.seeding import stream
from twinoffload.twin.descent import USUAL, OwnData, Training, train
from twinoffload.twin.models import Structure, data_loss
from twinoffload.twin.tasks.task import LossKind, Streams, Task
from twinoffload.twin.thinning import kept_order

KEPT_ASIDE = 0.2  # the last of an mAP's time, whose records tell which iteration was best
_STACKED = 128  # models trained together
_AT_ONCE = 32  # models judged together on held-out data


@dataclass(frozen=True)
class Order:
    """A model to train: on how many records, of which stream of which seed's world."""

    seed: int
    stream: int
    records: int


@dataclass(frozen=True, eq=False)
class Results:
    """What some orders came to.

    Attributes:
        accuracy: phi of Eq. 8, float64 `[G]`; below 0 where the model is worse than none.
        diverged: whether training diverged, `[G]`; the model is then the last good one.
    """

    accuracy: Tensor
    diverged: Tensor


def fulfil(task: Task, structure: Structure, orders: Sequence[Order], settings: Training = USUAL) -> Results:
    """Train models of one structure, all at once; the worlds of their seeds are drawn anew.

    phi = 1 - Loss(w*) / Loss(0), of the first term of Eq. 5 over held-out records, for the zero model as for w*. The
    second term stays out: it is a means of training, 0 for the zero model, and predicts nothing.

    Args:
        task: what is learned.
        structure: of the models.
        orders: the models.
        settings: how they are trained.
    """
    seeds = sorted({order.seed for order in orders})
    streams = 1 + max(order.stream for order in orders)
    worlds = {seed: task.draw(streams, seed) for seed in seeds}
    parts = [
        _train(task, structure, orders[i : i + _STACKED], worlds, settings) for i in range(0, len(orders), _STACKED)
    ]
    return Results(torch.cat([part.accuracy for part in parts]), torch.cat([part.diverged for part in parts]))


def _train(
    task: Task, structure: Structure, orders: Sequence[Order], worlds: dict[int, Streams], settings: Training
) -> Results:
    """One stack of models, whatever others are in it."""
    generators = [
        stream(order.seed, f"twin training, {task.name}, {structure.name}, {order.stream}, {order.records}")
        for order in orders
    ]
    mlp = structure.model(task)
    trained = train(mlp, task.loss, _own_data(task, worlds, orders), generators, settings)
    accuracy = torch.empty(len(orders), dtype=torch.float64)
    for seed in {order.seed for order in orders}:
        members = torch.tensor([order.seed == seed for order in orders])
        held_out = task.split(worlds[seed].held_out, worlds[seed].scale)
        accuracy[members] = effectiveness(mlp, task.loss, trained.parameters[members], *held_out)
    return Results(accuracy, trained.diverged)


def effectiveness(mlp: Mlp, kind: LossKind, parameters: Tensor, features: Tensor, targets: Tensor) -> Tensor:
    """Phi of Eq. 8 for models `[G, P]` on the same records, `[H, inputs]` and their targets; float64 `[G]`."""

    def loss(some: Tensor) -> Tensor:
        members = len(some)
        outputs = mlp(some, features.expand(members, -1, -1))
        return data_loss(kind, outputs, targets.expand(members, *targets.shape)).double().mean(-1)

    zero = loss(torch.zeros_like(parameters[:1]))
    return 1.0 - torch.cat([loss(some) for some in parameters.split(_AT_ONCE)]) / zero


def train_at_stations(
    task: Task,
    data_mb: Tensor | Sequence[float],
    association: Tensor | Sequence[int],
    structures: Sequence[Structure],
    seed: int = 0,
    settings: Training = USUAL,
) -> Tensor:
    """Each mAP sends its own thinned stream to its BS, which trains the mAP's twin on it.

    Args:
        task: what all twins learn.
        data_mb: Z of each mAP in MB, `[..., N]`, at most the task's `raw_mb`. mAP n has the same stream in the whole
            batch, and more of it keeps what less of it kept.
        association: BS of each mAP, `[..., N]`; -1: none, as if it sent nothing.
        structures: what each of the M BSs deploys.
        seed: of the world, what mAPs gather, and training.
        settings: how BSs train.

    Returns:
        Accuracy phi of each mAP's twin by Eq. 8, float64 `[..., N]`; 0 without data, and below 0 where the model is
        worse than none.

    Raises:
        ValueError: data out of bounds, a BS that is not there, or shapes that disagree.
    """
    amounts = torch.as_tensor(data_mb, dtype=torch.float64)
    station = torch.as_tensor(association)
    _check(task, amounts, station, len(structures))
    records = torch.where(station >= 0, (amounts / task.layout.data_mb(1)).round().long(), 0).clamp(
        max=task.raw_records
    )
    maps = torch.arange(amounts.shape[-1]).expand(amounts.shape)
    accuracy = torch.zeros(amounts.shape, dtype=torch.float64)
    for structure in dict.fromkeys(structures):
        deployed = torch.tensor([one == structure for one in structures])
        wanted = (records > 0) & deployed[station.clamp(min=0)]
        orders = [Order(seed, n, k) for n, k in zip(maps[wanted].tolist(), records[wanted].tolist(), strict=True)]
        once = list(dict.fromkeys(orders))
        if once:
            found = dict(zip(once, fulfil(task, structure, once, settings).accuracy.tolist(), strict=True))
            accuracy[wanted] = torch.tensor([found[order] for order in orders], dtype=torch.float64)
    return accuracy


def _own_data(task: Task, worlds: dict[int, Streams], orders: Sequence[Order]) -> OwnData:
    """What each order trains on and what it keeps aside: of the records kept, those of the last fifth of the time.

    Records close in time resemble each other, so that a random share kept aside would praise what is learned by heart.
    """
    late = round((1.0 - KEPT_ASIDE) * task.raw_records)
    rows: dict[tuple[int, int], int] = {}
    data, trained, checked = [], [], []
    for order in orders:
        key = (order.seed, order.stream)
        kept = kept_order(task.raw_records, stream(order.seed, f"twin thinning, {task.name}, {order.stream}"))
        if key not in rows:
            rows[key] = len(data)
            sorted_by_part = torch.cat([kept[kept < late], kept[kept >= late]])
            data.append(task.split(worlds[order.seed].raw[order.stream][sorted_by_part], worlds[order.seed].scale))
        trained.append(int((kept[: order.records] < late).sum()))
        checked.append(order.records - trained[-1])
    features, targets = (torch.stack(column) for column in zip(*data, strict=True))
    places = torch.tensor([rows[order.seed, order.stream] for order in orders])
    return OwnData(features, targets, places, torch.tensor(trained), late, torch.tensor(checked))


def _check(task: Task, amounts: Tensor, station: Tensor, stations: int) -> None:
    """Refuse what cannot be trained, before any work."""
    if amounts.ndim == 0 or amounts.shape != station.shape:
        raise ValueError(
            f"data_mb has shape {list(amounts.shape)}, association {list(station.shape)}: both must be [..., N]"
        )
    if (
        station.is_floating_point()
        or station.dtype == torch.bool
        or not bool(((station >= -1) & (station < stations)).all())
    ):
        raise ValueError(f"association: must be indices of the {stations} BSs, or -1")
    bad = ~((amounts >= 0.0) & (amounts <= task.raw_mb + 0.5 * task.layout.data_mb(1)))
    if bool(bad.any()):
        index = torch.nonzero(bad)[0].tolist()
        raise ValueError(
            f"data_mb{index} = {amounts[tuple(index)].item():g}: must be in [0, {task.raw_mb:.4g}] MB, "
            f"the raw stream of {task.name}"
        )
