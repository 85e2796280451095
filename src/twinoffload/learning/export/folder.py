"""A policy as a folder: two ONNX graphs and what they need to be used, written whole or not at all.

operator.onnx   channel gains to prices
maps.onnx       channel gains, prices and whatever else an mAP sees to associations and data
policy.json     inputs, outputs, units, and where all this comes from
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from twinoffload.env.episodes import draw_episodes
from twinoffload.env.observation import private_fields
from twinoffload.env.slots import Slots
from twinoffload.files import json_text, write_folder
from twinoffload.learning.export.agreement import TOLERANCE, Agreement, check, physical
from twinoffload.learning.export.graphs import Graph, graphs_of
from twinoffload.learning.export.onnx_files import Session, need_packages, write_graph
from twinoffload.learning.export.policies import Policy, policy_of
from twinoffload.learning.export.ports import AXES
from twinoffload.learning.run_folder import RunFolder, versions
from twinoffload.scenario import Scenario
from twinoffload.seeding import stream

_BELIEVED = ", as the operator believes: the mean of its range where it knows nothing"


def export_run(run: RunFolder, out: str | os.PathLike[str], seed: int | None = None) -> Agreement:
    """Write one trained seed of a run as ONNX, and check what was written against torch.

    Args:
        run: a run that has a checkpoint.
        out: a folder that is new or empty.
        seed: one of the run's; its first where it is None.

    Raises:
        ValueError: a package is missing, the run has no such seed or no checkpoint, the folder holds something, or the
            graphs do not decide as the policy does. Nothing is left behind.
    """
    needed = need_packages()
    if seed is not None and seed not in run.seeds:
        raise ValueError(f"seed {seed}: {run.path} was trained with {_listed(run.seeds)}; choose one of them")
    if run.episodes_done() == 0:
        raise ValueError(
            f"{run.path}: has no checkpoint yet; train it with `twinoffload train --resume --out {run.path}`"
        )
    trainer, row = run.trainer(), 0 if seed is None else run.seeds.index(seed)
    policy = policy_of(trainer.agents, row)
    of_pairs = run.scenario.market().pairs(run.scenario.maps, run.scenario.stations)["cycles"].shape[-1] > 1
    if of_pairs and "cycles" in {*policy.operator_inputs, *policy.maps_inputs}:
        raise ValueError(f"{run.path}: its cycles differ from BS to BS, which an exported policy has no input for")
    found: list[Agreement] = []

    def write(folder: Path) -> None:
        operator, maps = graphs_of(policy)
        for graph in (operator, maps):
            write_graph(graph, _example(graph, policy.scenario), folder / graph.file)
        agreement = check(policy, Session(folder / operator.file), Session(folder / maps.file))
        found.append(agreement)
        origin = {
            "seed": run.seeds[row],
            "episodes_trained": trainer.episode,
            "diverged": trainer.stopped[row],
            "versions": versions() | needed,
            "scenario": run.scenario.model_dump(mode="json"),
            "settings": run.settings.model_dump(mode="json"),
        }
        text = json_text(_described(policy, (operator, maps), agreement) | origin)
        (folder / "policy.json").write_text(text + "\n", encoding="utf-8")

    with torch.no_grad():
        write_folder(out, write)
    return found[0]


def _example(graph: Graph, scenario: Scenario) -> list[Tensor]:
    """Inputs for tracing; a free axis must not be of size 1 or as long as another, or it is taken for a fixed one."""
    sizes = {axis: size for axis, size in (("maps", 5), ("stations", 3)) if graph.sizes[axis] is None}
    places = [*scenario.station_positions, *[(0.5, 0.5)] * (3 + scenario.stations)]
    sized = scenario.replace(gains=None, **sizes, station_positions=places)
    slots = Slots(draw_episodes(sized, 7, [stream(0, "export example")], slots=1))
    price = torch.full_like(slots.gain, 0.5 * sized.highest_price)
    return list(physical(graph.inputs, sized, slots, slots.terms, price).values())


def _described(policy: Policy, graphs: Sequence[Graph], agreement: Agreement) -> dict[str, Any]:
    """How the files are used."""
    operator, hidden = graphs[0], private_fields(policy.scenario)

    def ports(graph: Graph, which: int) -> list[dict[str, Any]]:
        return [
            {
                "name": port.name,
                "dtype": port.dtype,
                "shape": graph.shape(port),
                "unit": port.unit,
                "meaning": port.meaning + (_BELIEVED if graph is operator and port.name in hidden else ""),
            }
            for port in graph.ports[which]
        ]

    return {
        "format": 1,
        "scheme": policy.scheme.name,
        "observation": policy.scheme.observation,
        "axes": AXES,
        "files": {graph.file: {"inputs": ports(graph, 0), "outputs": ports(graph, 1)} for graph in graphs},
        "agreement": {
            "largest_relative_difference": agreement.difference,
            "tolerance": TOLERANCE,
            "ties": agreement.ties,
            "decisions": agreement.decisions,
            "shapes": agreement.shapes,
        },
    }


def _listed(seeds: Sequence[int]) -> str:
    return f"seed {seeds[0]} alone" if len(seeds) == 1 else f"seeds {', '.join(map(str, seeds))}"
