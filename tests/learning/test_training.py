"""The loop and the run folder: same seeds, same run; stopped and resumed, the same run to the bit."""

import os
import re
import warnings

import polars as pl
import pytest
import torch
from safetensors.torch import load_file, save_file

from twinoffload import Scenario
from twinoffload.files import locked
from twinoffload.learning import checkpoint
from twinoffload.learning.agents import by_member, by_row
from twinoffload.learning.run_folder import METRICS, RunFolder, RunWarning
from twinoffload.learning.training import Trainer, TrainSettings

SHORT = Scenario.load("paper").replace(slots=12)
LEARNER = {"algorithm": "sac", "batch": 16}
DDPG = {"algorithm": "td3", "critics": 1, "policy_delay": 1, "target_noise": 0}
SETTINGS = TrainSettings.model_validate(
    {"episodes": 4, "environments": 4, "warmup": 2, "replay": 100, "operator": LEARNER, "maps": LEARNER}
)


def test_members_and_seeds_are_the_same_numbers_in_another_order():
    values = torch.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    members = by_member(values)
    assert members.shape == (8, 3, 5)
    assert torch.equal(members[5], values[1, :, 1])
    assert torch.equal(by_row(members, 2), values)


@pytest.mark.parametrize("algorithm", [{"algorithm": "sac"}, {"algorithm": "td3"}, DDPG], ids=["sac", "td3", "ddpg"])
@pytest.mark.parametrize("discount", [0.0, 0.9])
def test_a_seed_learns_the_same_whatever_is_stacked_beside_it(algorithm, discount):
    """To the bit, in any order, and alone; but a lone DDPG critic is a single network: whose products differ."""
    learner = algorithm | {"batch": 16, "discount": discount}
    settings = SETTINGS.replace(episodes=2, operator=learner, maps=learner)
    beside = _rows_of_7(settings, [3, 7])
    for seeds in ([7, 3], [7, 0, 1, 2, 4], *([] if algorithm is DDPG else [[7]])):
        assert _rows_of_7(settings, seeds) == beside, seeds


def _rows_of_7(settings, seeds):
    rows = []
    Trainer(SHORT, settings, seeds).run(lambda new: rows.extend(row for row in new if row["seed"] == 7))
    return [{name: value for name, value in row.items() if name != "row"} for row in rows]


def test_the_next_observation_of_a_map_holds_the_next_prices():
    learner = _sac({"batch": 16, "discount": 0.9})
    settings = SETTINGS.model_copy(update={"operator": learner, "maps": learner, "environments": 1, "warmup": 100})
    trainer = Trainer(SHORT, settings, [0])
    trainer.play_episode()
    batch = trainer.replays["maps"].sample(200, trainer.agents.generators["maps"])
    assert batch.next_observation is not None
    assert batch.terminated is not None
    assert not batch.terminated.any(), "episodes end by time only"
    first = {tuple(row) for row in batch.observation[0].tolist()}
    follow = {tuple(row) for row in batch.next_observation[0].tolist()}
    assert len(follow - first) == 1, "all but the final observation are some slot's own observation"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"followers": "shared", "critic": "central", "price_margin": 0.1, "maps": LEARNER | {"average": 0.99}},
        {"demonstrations": 30, "operator": LEARNER | {"imitation": 9.0}, "maps": LEARNER | {"imitation": 9.0}},
        {"schedule": "alternating", "alternate_every": 1, "operator": {"algorithm": "td3", "batch": 16}},
    ],
)
def test_stopped_and_resumed_is_the_same_to_the_bit(tmp_path, options):
    settings = SETTINGS.replace(checkpoint_every=2, **options)
    whole = RunFolder.create(tmp_path / "whole", SHORT, settings, [0, 1])
    whole.train()

    class StopError(Exception):
        pass

    def stop(rows):
        if rows[0]["episode"] == 2:  # one episode beyond the checkpoint, to be played again
            raise StopError

    part = RunFolder.create(tmp_path / "part", SHORT, settings, [0, 1])
    with pytest.raises(StopError):
        part.train(stop)
    again = RunFolder.open(tmp_path / "part")
    assert again.episodes_done() == 2
    again.train()

    first, second = (load_file(tmp_path / name / "checkpoint.safetensors") for name in ("whole", "part"))
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name
    tables = [pl.read_parquet(tmp_path / name / "metrics.parquet") for name in ("whole", "part")]
    assert tables[0].equals(tables[1])
    assert tables[0].height == 2 * 4
    assert list((tmp_path / "part" / "tensorboard").iterdir())


def test_a_finished_run_can_be_extended_but_not_shortened(tmp_path):
    run = RunFolder.create(tmp_path / "run", SHORT, SETTINGS.model_copy(update={"episodes": 1}), [0])
    run.train()
    with pytest.raises(ValueError, match="episodes = 0"):
        run.extend(0)
    run.extend(2)
    RunFolder.open(tmp_path / "run").train()
    assert pl.read_parquet(tmp_path / "run" / "metrics.parquet")["episode"].to_list() == [0, 1]


def test_bad_folders_are_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match="is not a run folder"):
        RunFolder.open(tmp_path)
    (tmp_path / "other.txt").write_text("mine")
    with pytest.raises(ValueError, match="not empty"):
        RunFolder.create(tmp_path, SHORT, SETTINGS, [0])
    run = RunFolder.create(tmp_path / "run", SHORT, SETTINGS, [0])
    (run.path / "checkpoint.safetensors").write_bytes(b"\x00" * 40)
    with pytest.raises(ValueError, match=r"checkpoint\.safetensors: cannot be read"):
        run.trainer()
    (run.path / "settings.yaml").write_text("seeds: [0]\nsettings: {episodes: none}\n")
    with pytest.raises(ValueError, match=r"settings\.yaml: is damaged"):
        RunFolder.open(run.path)


def test_rewards_are_floored_for_learning_only():
    trainer = Trainer(SHORT, SETTINGS.model_copy(update={"reward_floor": -0.5, "warmup": 10_000}), [0])
    rows = trainer.play_episode()
    batch = trainer.replays["maps"].sample(64, trainer.agents.generators["maps"])
    assert batch.reward.min() == -0.5
    assert rows[0]["map_utility_money"] < -0.5, "what is reported is not floored"


def _sac(values):
    return TrainSettings.model_validate({"maps": {"algorithm": "sac"} | values}).maps


@pytest.mark.parametrize(
    "settings", [SETTINGS.replace(replay=3), SETTINGS.replace(maps=LEARNER | {"discount": (0, 0.5)})]
)
def test_what_cannot_be_trained_leaves_no_folder_behind(tmp_path, settings):
    with pytest.raises(ValueError, match=r"replay = 3: a slot adds 4|maps\.discount has 2 values, expected one, or 1"):
        RunFolder.create(tmp_path / "run", SHORT, settings, [0])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "tensor", "told"),
    [
        ("episode", torch.tensor([1.0, 2.0]), "only one element tensors|cannot be converted to Scalar"),
        ("agents.operator.random", torch.zeros(1, 16), "RNG state"),
        ("replay_maps.cursor", torch.tensor(10**9), "cursor 1000000000 or size"),
        ("replay_maps.size", torch.tensor(-1), "or size -1 lies outside a replay of 100"),
        ("stopped", torch.zeros(0), "stopped has 0 rows, expected 1"),
    ],
)
def test_a_checkpoint_of_wrong_contents_is_refused_in_one_line(tmp_path, name, tensor, told):
    scenario, settings = SHORT.replace(slots=2), SETTINGS.replace(episodes=1)
    run = RunFolder.create(tmp_path / "run", scenario, settings, [0])
    run.train()
    file = run.path / "checkpoint.safetensors"
    save_file(load_file(file) | {name: tensor}, file, {"format": "1"})
    for work in (run.trainer, lambda: run.episodes_done() and run.trainer()):
        with pytest.raises(ValueError, match=told) as refused:
            work()
        assert str(refused.value).startswith(str(file))
        assert "\n" not in str(refused.value)
        assert str(refused.value).count("train anew") == 1


@pytest.mark.parametrize(
    ("file", "damage", "told"),
    [
        ("metrics.parquet", None, "metrics.parquet: is missing, but the checkpoint goes on from episode 2"),
        ("checkpoint.safetensors", b"short", "checkpoint.safetensors: cannot be read"),
        ("settings.yaml", b"seeds: []\nsettings: {}\n", "settings.yaml: is damaged (it lists no seeds)"),
    ],
)
def test_a_damaged_run_is_refused_in_one_line(tmp_path, file, damage, told):
    scenario = Scenario.load("paper").replace(slots=2)
    settings = TrainSettings(episodes=2, environments=1, warmup=1)
    run = RunFolder.create(tmp_path / "run", scenario, settings, [0])
    run.train()
    path = run.path / file
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    with pytest.raises(ValueError, match=re.escape(told)) as refused:
        RunFolder.open(run.path).train()
    assert str(refused.value).count("train anew") == 1
    assert "\n" not in str(refused.value)
    assert not list(run.path.glob("*.damaged.*")), "nothing was touched"


@pytest.fixture
def twice_saved(tmp_path):
    """A run with two checkpoints, and the metrics of an undisturbed one."""
    run = RunFolder.create(tmp_path / "run", SHORT.replace(slots=2), SETTINGS.replace(checkpoint_every=2), [0, 1])
    run.train()
    return run, pl.read_parquet(run.path / METRICS)


@pytest.mark.parametrize("damaged", [[checkpoint.NEWEST], [METRICS], [checkpoint.NEWEST, METRICS]])
@pytest.mark.parametrize("how", ["cut", "one bit", "other format"])
def test_a_damaged_file_gives_way_to_the_one_before_it(twice_saved, damaged, how):
    run, whole = twice_saved
    held = {name: tensor.clone() for name, tensor in load_file(run.path / checkpoint.NEWEST).items()}  # not the map
    for name in damaged:
        file = run.path / name
        content = bytearray(file.read_bytes())
        if how == "cut":
            content = content[: len(content) // 2]
        elif how == "one bit" and name == checkpoint.NEWEST:
            content[-5] ^= 4
        else:
            content[:9] = b"\0" * 9
        file.write_bytes(content)
    if checkpoint.NEWEST in damaged:
        with pytest.warns(RunWarning, match=r"checkpoint\.safetensors: .*; used the one before it, checkpoint\.older"):
            assert RunFolder.open(run.path).episodes_done() == 2
    with pytest.warns(RunWarning, match="used the one before it"):
        RunFolder.open(run.path).train()
    assert pl.read_parquet(run.path / METRICS).rows() == whole.rows()
    again = load_file(run.path / checkpoint.NEWEST)
    assert [name for name, tensor in held.items() if not torch.equal(again[name], tensor)] == []
    for name in damaged:
        stem, suffix = name.rsplit(".", 1)
        assert (run.path / f"{stem}.damaged.{suffix}").exists(), "it is kept"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert RunFolder.open(run.path).episodes_done() == 4


def test_a_checkpoint_of_another_version_is_refused_by_its_format(twice_saved):
    run, _ = twice_saved
    (run.path / checkpoint.OLDER).unlink()
    file = run.path / checkpoint.NEWEST
    tensors = load_file(file)
    save_file(tensors, file, {"format": "1"})
    assert run.episodes_done() == 4, "the first format had no check sum"
    for told in ({"format": "3 crc32 00000000"}, None):
        save_file(tensors, file, told)
        with pytest.raises(
            ValueError, match=r"has format (3|unknown), and this version reads 1 and 2; use the version"
        ):
            run.train()


def test_two_processes_do_not_train_in_one_folder(tmp_path):
    run = RunFolder.create(tmp_path / "run", SHORT.replace(slots=2), SETTINGS, [0])
    with locked(run.path), pytest.raises(ValueError, match=rf"run: process {os.getpid()} is at work there; wait"):
        run.train()
    run.train()
    assert run.episodes_done() == 4
