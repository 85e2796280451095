"""Exported graphs decide as the trained policy does, from physical values alone; faulty ones are never left behind."""

import json
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from twinoffload import Scenario
from twinoffload.cli import main
from twinoffload.env.episodes import draw_episodes
from twinoffload.env.slots import Slots
from twinoffload.learning.agents import Agents
from twinoffload.learning.export import folder as export_folder
from twinoffload.learning.export import onnx_files
from twinoffload.learning.export.agreement import TOLERANCE, check
from twinoffload.learning.export.folder import export_run
from twinoffload.learning.export.graphs import graphs_of
from twinoffload.learning.export.policies import policy_of
from twinoffload.learning.export.ports import PORTS
from twinoffload.learning.run_folder import RunFolder
from twinoffload.learning.train_settings import PRESETS, TrainSettings
from twinoffload.seeding import stream

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

LITTLE = {"episodes": 1, "environments": 2, "warmup": 100}
PAPER = Scenario.load("paper").replace(slots=2)
HIDDEN = Scenario.load("private").replace(slots=2, raw_data="uniform", idle_interferes=False, maps=3)

LEARNERS = [name for name in PRESETS if not name.startswith("amortised")]  # that is in test_amortised_runs

# Every preset with every observation; each of these with and without silent idle mAPs, hidden values and shared mAPs.
CASES = {
    f"{settings}, {observation}": (
        (PAPER, HIDDEN, PAPER.replace(idle_interferes=False), HIDDEN.replace(idle_interferes=True))[(i + j) % 4],
        settings,
        {"observation": observation} | ({"followers": "independent"} if (i + j) % 3 == 1 else {}),
    )
    for i, settings in enumerate(LEARNERS)
    for j, observation in enumerate(("paper", "load", "gains"))
}


def trained(folder, scenario, settings, changes, seeds=(0, 1)):
    run = RunFolder.create(folder, scenario, TrainSettings.load(settings).replace(**LITTLE, **changes), seeds)
    run.train()
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("export") / "run", HIDDEN, "tuned", {})


@pytest.fixture(scope="module")
def exported(run):
    export_run(run, run.path.parent / "policy", seed=1)
    return run.path.parent / "policy"


def sessions(folder):
    return [ort.InferenceSession(folder / name) for name in ("operator.onnx", "maps.onnx")]


@pytest.mark.parametrize("case", CASES)
def test_graphs_agree_with_torch(case, tmp_path):
    found = export_run(trained(tmp_path / "run", *CASES[case]), tmp_path / "policy")
    assert found.difference <= TOLERANCE
    assert found.ties == 0
    assert len({shape[0] for shape in found.shapes}) >= 3, "several batch sizes"
    assert {path.name for path in (tmp_path / "policy").iterdir()} == {"operator.onnx", "maps.onnx", "policy.json"}


def test_a_service_needs_nothing_but_physical_values(run, exported):
    """The reference plays the ensemble; the graphs get plain arrays, with the inputs that policy.json lists."""
    description = json.loads((exported / "policy.json").read_text())
    operator, maps = sessions(exported)
    agents = run.trainer().agents
    slots = Slots(draw_episodes(run.scenario, 5, [stream(seed, "test of export") for seed in run.seeds]))
    with torch.no_grad():
        price = agents.price(slots)
        association, data = agents.offload(slots, price)
    value = {
        "gain": slots.gain[1].numpy(),
        "last_interference": slots.last_interference[1].numpy(),
        "accuracy_value": slots.terms.accuracy_value[1, ..., 0].numpy(),
        "delay_cost": slots.terms.delay_cost[1, ..., 0].numpy(),
        "raw_data": slots.terms.raw_data[1, ..., 0].numpy(),
    }
    inputs = {name: [port["name"] for port in file["inputs"]] for name, file in description["files"].items()}
    assert inputs == {"operator.onnx": ["gain"], "maps.onnx": ["gain", "price", *list(value)[1:]]}
    (posted,) = operator.run(None, {"gain": value["gain"]})
    np.testing.assert_allclose(posted, price[1], rtol=0, atol=1e-5 * run.scenario.highest_price)
    chosen, sent = maps.run(None, value | {"price": price[1].numpy()})
    assert (chosen == association[1].numpy()).all()
    np.testing.assert_allclose(sent, data[1], rtol=0, atol=1e-5 * 5.0)


def test_policy_json_says_what_the_files_hold(run, exported):
    description = json.loads((exported / "policy.json").read_text())
    assert (description["seed"], description["observation"], description["scheme"]) == (1, "load", "sac")
    assert Scenario.load("paper").replace(**description["scenario"]) == run.scenario
    assert TrainSettings().replace(**description["settings"]) == run.settings
    assert {"torch", "onnx", "onnxruntime", "twinoffload"} <= description["versions"].keys()
    assert description["agreement"]["largest_relative_difference"] <= description["agreement"]["tolerance"] == 1e-5
    for session, name in zip(sessions(exported), ("operator.onnx", "maps.onnx"), strict=True):
        for kind, found in (("inputs", session.get_inputs()), ("outputs", session.get_outputs())):
            told = description["files"][name][kind]
            types = {"tensor(double)": "float64", "tensor(int64)": "int64"}
            assert [(p["name"], p["shape"], p["dtype"]) for p in told] == [
                (p.name, p.shape, types[p.type]) for p in found
            ]
            assert all(port["unit"] and port["meaning"] for port in told)


@pytest.mark.parametrize("observation", ["paper", "load", "gains"])
def test_a_map_answers_from_its_own_row(observation):
    agents = Agents(HIDDEN, TrainSettings.load("tuned").replace(observation=observation), [0])
    _, maps = graphs_of(policy_of(agents, 0))

    def inputs():
        return [torch.rand(50, 3, 2 if len(PORTS[name].axes) == 3 else 1, dtype=torch.float64) for name in maps.inputs]

    first = inputs()
    second = [torch.cat([one[:, :1], other[:, 1:]], dim=1) for one, other in zip(first, inputs(), strict=True)]
    with torch.no_grad():
        answers = [
            maps.module(*(value.squeeze(-1) if value.shape[-1] == 1 else value for value in values))
            for values in (first, second)
        ]
    (association, data), (there, sent) = answers
    assert torch.equal(data[:, 0], sent[:, 0]) == (observation != "gains")
    assert torch.equal(association[:, 0], there[:, 0]) or observation == "gains"
    assert not torch.equal(data[:, 1:], sent[:, 1:])


def test_silent_maps_are_off(tmp_path):
    """An mAP whose best amount is nothing answers -1 where idle mAPs are silent."""
    agents = Agents(HIDDEN, TrainSettings.load("tuned-td3").replace(followers="independent"), [0])
    agents.maps.decider[:] = -100.0  # also the last biases, after hidden values of 0: every action is -1
    _, maps = graphs_of(policy_of(agents, 0))
    values = [torch.rand(2, 3, 2, dtype=torch.float64) for _ in range(3)]
    values += [torch.rand(2, 3, dtype=torch.float64) for _ in range(3)]
    with torch.no_grad():
        onnx_files.write_graph(maps, values, tmp_path / "maps.onnx")
    answer = onnx_files.Session(tmp_path / "maps.onnx")(dict(zip(maps.inputs, values, strict=True)))
    assert (answer["association"] == -1).all()
    assert (answer["data"] == 0).all()


def test_shared_maps_that_do_not_differ_may_be_any_number(tmp_path):
    alike = PAPER.replace(cycles=1.6, raw_data="uniform")
    found = export_run(trained(tmp_path / "run", alike, "tuned", {}), tmp_path / "policy")
    assert {shape[1] for shape in found.shapes} == {1, 4, 7}
    operator, maps = sessions(tmp_path / "policy")
    assert [port.shape for port in maps.get_outputs()] == [["batch", "maps"]] * 2
    assert operator.get_inputs()[0].shape == ["batch", 4, 2]
    differ = replace(policy_of(RunFolder.open(tmp_path / "run").trainer().agents, 0), scenario=PAPER)
    with pytest.raises(ValueError, match=r"cycles: differs along the axis maps.*make it an input"):
        graphs_of(differ)


def spoil(path):
    """Change one weight matrix a little."""
    model = onnx.load(path)
    weights = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    values = onnx.numpy_helper.to_array(weights) * np.float32(1.001)
    weights.CopyFrom(onnx.numpy_helper.from_array(values, weights.name))
    onnx.save(model, path)


@pytest.mark.parametrize("file", ["operator.onnx", "maps.onnx"])
def test_a_spoiled_graph_is_refused_and_nothing_is_left(file, run, tmp_path, monkeypatch):
    def write_and_spoil(graph, example, path):
        onnx_files.write_graph(graph, example, path)
        if path.name == file:
            spoil(path)

    monkeypatch.setattr(export_folder, "write_graph", write_and_spoil)
    said = {"operator.onnx": "price", "maps.onnx": "association and data"}[file]
    with pytest.raises(ValueError, match=rf"^{said}: the ONNX graph differs from torch by .* cannot be exported"):
        export_run(run, tmp_path / "new" / "policy")
    assert list(tmp_path.iterdir()) == []


def faulty(run, change):
    """`check` with a graph of the mAPs whose answers are changed."""
    policy = policy_of(run.trainer().agents, 0)
    operator, maps = (graph.module for graph in graphs_of(policy))

    def offload(given):
        return change(dict(zip(("association", "data"), maps(*given.values()), strict=True)))

    with torch.no_grad():
        return check(policy, lambda given: {"price": operator(*given.values())}, offload)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda answer: answer | {"association": 1 - answer["association"].clamp(min=0)},
            "chooses another BS than torch",
        ),
        (lambda answer: answer | {"association": answer["association"].int()}, "gives torch.int32"),
        (lambda answer: answer | {"data": answer["data"][..., :1]}, r"data: the ONNX graph gives .*\[1, 1\]"),
        (lambda answer: answer | {"data": answer["data"] * torch.nan}, "differs from torch by nan"),
        (lambda answer: answer | {"data": answer["data"] + 6e-5}, "differs from torch by 1.2e-05"),
    ],
)
def test_the_check_sees_every_kind_of_fault(change, said, run):
    assert faulty(run, lambda answer: answer).difference == 0.0
    assert faulty(run, lambda answer: answer | {"data": answer["data"] + 4e-5}).difference == pytest.approx(8e-6)
    with pytest.raises(ValueError, match=said):
        faulty(run, change)


class Edge:
    """Chooses BS 1, and sends twice as much, where the gain at BS 0 is above an edge."""

    name, observation = "edge", "paper"

    def __init__(self, above):
        self.above = above

    def begin(self, slots):
        pass

    def price(self, slots):
        return torch.zeros_like(slots.gain)

    def offload(self, slots, price):
        association = self.above(slots.gain[..., 0]).long()
        return association, 1.0 + association


def test_a_choice_between_equals_is_a_tie_and_no_other_is(run):
    seen = []

    def compared(here, there):
        policy = replace(policy_of(run.trainer().agents, 0), scheme=Edge(here), maps_inputs=("gain", "price"))

        def maps(given):
            seen.append(given["gain"][..., 0].flatten())
            return dict(zip(("association", "data"), Edge(there).offload(SimpleNamespace(**given), None), strict=True))

        return check(policy, lambda given: {"price": torch.zeros_like(given["gain"])}, maps)

    assert compared(lambda gain: gain > 1e-9, lambda gain: gain > 1e-9).ties == 0
    edge = torch.cat(seen).median()
    assert compared(lambda gain: gain > edge, lambda gain: gain >= edge).ties == 1, "the one whose gain is the edge"
    with pytest.raises(ValueError, match="association and data: the ONNX graph differs"):
        compared(lambda gain: gain > edge, lambda gain: gain >= 0.99 * edge)
    with pytest.raises(ValueError, match="association and data: the ONNX graph differs"):
        compared(lambda gain: gain > edge * (1 + 1e-5), lambda gain: gain >= edge)


def call(*words):
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return stop.value.code


def test_the_command_says_what_it_found(run, tmp_path, capsys):
    assert call("export", run.path, "--out", tmp_path / "policy") == 0
    assert "exported seed 0" in capsys.readouterr().out
    before = {path.name: path.read_bytes() for path in (tmp_path / "policy").iterdir()}
    assert call("export", run.path, "--out", tmp_path / "policy") == 2
    assert "choose another one" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (tmp_path / "policy").iterdir()} == before
    (tmp_path / "empty").mkdir()
    assert call("export", run.path, "--out", tmp_path / "empty", "--seed", "1", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["seed"], document["ties"]) == (1, 0)
    assert document["largest_relative_difference"] <= 1e-5


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["export", "nowhere", "--out", "new"], "nowhere: is not a run folder"),
        (["export", "RUN", "--out", "new", "--seed", "7"], "was trained with seeds 0, 1; choose one of them"),
        (["export", "RUN"], "missing option '--out'"),
        (["export", "RUN", "--out", "a file/policy"], "a file/policy: Not a directory"),
        (["export", "RUN", "--out", "a file"], "a file: already exists and is not an empty folder"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(words, told, run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a file").touch()
    assert call(*(str(run.path) if word == "RUN" else word for word in words)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
    assert [path.name for path in tmp_path.iterdir()] == ["a file"]


def test_a_run_without_a_checkpoint_is_refused(tmp_path, capsys):
    RunFolder.create(tmp_path / "run", PAPER, TrainSettings(), [0])
    assert call("export", tmp_path / "run", "--out", tmp_path / "policy") == 2
    assert "has no checkpoint yet" in capsys.readouterr().err
    assert not (tmp_path / "policy").exists()


@pytest.mark.parametrize("package", onnx_files.PACKAGES)
def test_a_missing_package_is_named_with_its_extra(package, run, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, package, None)
    assert call("export", run.path, "--out", tmp_path / "policy") == 2
    assert f"{package} is missing; install the extra: pip install 'twinoffload[export]'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_export_leaves_nothing(run, tmp_path, monkeypatch, capsys):
    def interrupt(graph, example, path):
        path.write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(export_folder, "write_graph", interrupt)
    assert call("export", run.path, "--out", tmp_path / "policy") == 130
    assert list(tmp_path.iterdir()) == []
