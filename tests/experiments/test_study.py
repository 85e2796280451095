"""The study engine: what is listed is computed once, and ends in one table whatever happens on the way."""

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

import studies
from twinoffload.experiments import provenance
from twinoffload.experiments import study as engine
from twinoffload.experiments.benchmarks import study as benchmark
from twinoffload.experiments.execution import here, on_cores
from twinoffload.experiments.study import Study
from twinoffload.files import locked


def shuffled(compute, seed):
    """Groups computed in another order, as by workers that race."""

    def execute(groups):
        for group in random.Random(seed).sample(groups, len(groups)):
            yield group, compute(group.work)

    return execute


def table_of(folder):
    return (folder / "table.parquet").read_bytes()


def test_the_table_is_the_parts_in_the_order_of_the_manifest(tmp_path):
    groups = studies.groups(7)
    table = Study(tmp_path / "study", groups).run(here(studies.compute))
    assert table["label"].to_list() == [group.label for group in groups for _ in range(studies.SEEDS)]
    assert pl.read_parquet(tmp_path / "study" / "table.parquet").equals(table)
    manifest = json.loads((tmp_path / "study" / "manifest.json").read_text())
    assert manifest["cells"] == sum(len(group["cells"]) for group in manifest["groups"]) == len(table)
    assert [group["work"]["value"] for group in manifest["groups"]] == list(range(7))


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_computing_leaves_no_trace(tmp_path, seed):
    Study(tmp_path / "a", studies.groups(9)).run(here(studies.compute))
    Study(tmp_path / "b", studies.groups(9)).run(shuffled(studies.compute, seed))
    assert table_of(tmp_path / "a") == table_of(tmp_path / "b")


def test_the_manifest_stands_before_anything_runs(tmp_path):
    def execute(groups):
        listed = json.loads((tmp_path / "study" / "manifest.json").read_text())
        assert [group["key"] for group in listed["groups"]] == [group.key for group in groups]
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        Study(tmp_path / "study", studies.groups(3)).run(execute)
    assert not (tmp_path / "study" / "table.parquet").exists()


def test_a_key_tells_works_apart_and_nothing_else(monkeypatch):
    one, two = studies.groups(2)
    assert one.key != two.key
    assert one.key == engine.Group("other label", dict(reversed(one.work.items())), [], cost=7.0).key
    before = one.key
    monkeypatch.setattr(engine, "versions", lambda: {"torch": "0"})
    assert engine.Group(one.label, one.work, one.cells).key != before, "other versions compute anew"


def test_equal_groups_are_one(tmp_path):
    groups = studies.groups(2)
    assert Study(tmp_path, [*groups, groups[0]]).groups == groups


def test_what_is_finished_is_not_computed_again_and_may_belong_to_another_study(tmp_path):
    def execute(groups):
        computed.extend(group.label for group in groups)
        return here(studies.compute)(groups)

    computed, seen = [], []
    Study(tmp_path / "s", studies.groups(3)).run(execute)
    Study(tmp_path / "s", studies.groups(5)).run(
        execute, resume=True, each=lambda group, found: seen.append((group.label, found))
    )
    Study(tmp_path / "s", studies.groups(5)).run(execute, resume=True)
    assert computed == [f"group {k}" for k in range(5)]
    assert seen == [(f"group {k}", k < 3) for k in range(5)]
    Study(tmp_path / "alone", studies.groups(5)).run(execute)
    assert table_of(tmp_path / "s") == table_of(tmp_path / "alone")
    Study(tmp_path / "s", studies.groups(2)).run(execute, resume=True)
    assert len(computed) == 5 + 5, "those of `alone`"
    assert table_of(tmp_path / "s") == table_of(tmp_path / "alone"), "nothing is lost where less is asked"


def test_all_groups_are_told_before_any_is_finished(tmp_path):
    """Those that the folder lists, too, so that progress counts to their number."""
    Study(tmp_path, studies.groups(3)[:2]).run(here(studies.compute))
    told = []
    Study(tmp_path, studies.groups(3)[1:]).run(
        here(studies.compute), resume=True,
        begins=lambda groups: told.append(len(groups)), each=lambda group, found: told.append(found),
    )  # fmt: skip
    assert told == [3, True, True, False]


def sized(first, count):
    cells = [{"seed": seed} for seed in range(first, first + count)]
    return studies.Group(f"{first} to {first + count}", {"label": f"{first}+{count}", "value": first}, cells)


def test_of_groups_that_share_cells_the_larger_is_kept():
    small, large, other = sized(0, 3), sized(0, 5), sized(5, 5)
    assert engine.merged([small], [large, other]) == [large, other]
    assert engine.merged([large], [small, other]) == [large, other]
    assert engine.merged([large], [large]) == [large]
    with pytest.raises(ValueError, match=r"3 to 8: the folder holds these cells computed otherwise; choose"):
        engine.merged([sized(3, 5)], [large])


def test_studies_of_other_kinds_do_not_mix(tmp_path):
    Study(tmp_path, studies.groups(2), "long").run(here(studies.compute))
    with pytest.raises(ValueError, match=r"holds another study \(long, not short\); choose another --out"):
        Study(tmp_path, studies.groups(2), "short").run(here(studies.compute), resume=True)


def test_other_versions_compute_all_anew_or_nothing(tmp_path, monkeypatch):
    Study(tmp_path, studies.groups(3)).run(here(studies.compute))
    before = table_of(tmp_path)
    monkeypatch.setattr(engine, "versions", lambda: {"twinoffload": "9"})
    with pytest.raises(
        ValueError, match=r"twinoffload .* computed it, here is 9; choose another --out, or ask for all"
    ):
        Study(tmp_path, studies.groups(2)).run(here(studies.compute), resume=True)
    assert table_of(tmp_path) == before
    seen = []
    Study(tmp_path, studies.groups(4)).run(
        here(studies.compute), resume=True, each=lambda group, found: seen.append(found)
    )
    assert seen == [False] * 4


def test_with_other_versions_larger_groups_hold_all_that_smaller_ones_did(tmp_path, monkeypatch):
    Study(tmp_path, [sized(0, 3)]).run(here(studies.compute))
    monkeypatch.setattr(engine, "versions", lambda: {"twinoffload": "9"})
    with pytest.raises(ValueError, match=r"ask for all that it holds"):
        Study(tmp_path, [sized(1, 5)]).run(here(studies.compute), resume=True)
    study = Study(tmp_path, [sized(0, 5)])
    study.run(here(studies.compute), resume=True)
    assert [group.label for group in study.groups] == ["0 to 5"]


def test_the_hash_of_sources_is_of_what_computes(tmp_path):
    (tmp_path / "cli").mkdir()
    (tmp_path / "game.py").write_text("x = 1")
    before = provenance.sources_hash(tmp_path)
    (tmp_path / "cli" / "show.py").write_text("print()")
    assert provenance.sources_hash(tmp_path) == before
    (tmp_path / "game.py").write_text("x = 2")
    assert provenance.sources_hash(tmp_path) != before


def test_a_damaged_manifest_is_named(tmp_path):
    Study(tmp_path, studies.groups(1)).run(here(studies.compute))
    before = table_of(tmp_path)
    (tmp_path / "manifest.json").write_text('{"groups": [')
    with pytest.raises(ValueError, match=r"manifest.json: cannot be read; choose another --out, or delete it and ask"):
        Study(tmp_path, studies.groups(1)).run(here(studies.compute), resume=True)
    (tmp_path / "manifest.json").unlink()
    (tmp_path / "fig4.csv").write_text("drawn from it")
    with pytest.raises(ValueError, match=r"holds a study already"):
        Study(tmp_path, studies.groups(1)).run(here(studies.compute))
    Study(tmp_path, studies.groups(1)).run(lambda groups: pytest.fail("computed again"), resume=True)
    assert table_of(tmp_path) == before


def test_killed_at_any_moment_it_ends_in_the_same_table(tmp_path):
    """With real kills in the middle of a group's rows, then of the table."""
    marks = tmp_path / "marks"
    marks.mkdir()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}

    def resume(dies):
        words = [sys.executable, studies.__file__, tmp_path / "killed", marks, "5", str(dies)]
        return subprocess.run(words, env=environment, check=False).returncode

    # files in order: manifest, a part for every group that is missing, the table
    for dies in (3, 6):
        assert resume(dies) == -signal.SIGKILL
        assert not (tmp_path / "killed" / "table.parquet").exists()
    assert resume(0) == 0
    Study(tmp_path / "whole", studies.groups(5, marks=str(marks))).run(here(studies.compute))
    assert table_of(tmp_path / "killed") == table_of(tmp_path / "whole")
    assert {path.name for path in (tmp_path / "killed").iterdir()} == {"manifest.json", "parts", "table.parquet",
                                                                      ".lock"}  # fmt: skip
    assert not list(tmp_path.rglob("*.draft"))
    again = {path.name: len(path.read_text().splitlines()) - 1 for path in marks.iterdir()}  # less the whole one's
    assert sum(again.values()) == 5 + 1, "only the group on which it died is computed again"


def test_killed_before_there_was_a_manifest_it_begins_anew(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / ".lock").write_text("17")
    (tmp_path / ".manifest.json.17.draft").write_text("half")
    Study(tmp_path, studies.groups(1)).run(here(studies.compute))
    assert not list(tmp_path.rglob("*.draft"))


def test_workers_compute_the_same(tmp_path):
    Study(tmp_path / "here", studies.groups(4)).run(here(studies.compute))
    Study(tmp_path / "workers", studies.groups(4)).run(on_cores(studies.compute, 2))
    assert table_of(tmp_path / "here") == table_of(tmp_path / "workers")
    assert multiprocessing.active_children() == [], "no worker is left"


def test_a_worker_that_is_killed_is_told_of(tmp_path):
    with pytest.raises(ValueError, match=r"a worker was killed.*resume"):
        Study(tmp_path / "study", studies.groups(2, dies=True)).run(on_cores(_die, 1))


def _die(work):
    os.kill(os.getpid(), signal.SIGKILL)


PARENT = """
import sys, studies
from twinoffload.experiments.execution import on_cores
from twinoffload.experiments.study import Study
if __name__ == "__main__":
    work = {"marks": sys.argv[2], "takes_s": 60.0}
    Study(sys.argv[1], studies.groups(1, **work)).run(on_cores(studies.compute, 1))
"""


def test_a_parent_that_is_killed_takes_its_workers_along_and_frees_the_folder(tmp_path):
    program, marks, folder = tmp_path / "parent.py", tmp_path / "marks", tmp_path / "study"
    program.write_text(PARENT)
    marks.mkdir()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    parent = subprocess.Popen([sys.executable, program, folder, marks], env=environment)
    try:
        _until(lambda: len(list(marks.iterdir())) == 1)
        workers = _descendants(parent.pid)
        assert workers
        with pytest.raises(ValueError, match=rf"study: process {parent.pid} is at work there; wait"):
            Study(folder, studies.groups(2)).run(here(studies.compute), resume=True)
    finally:
        parent.kill()
        parent.wait()
    _until(lambda: not any(_runs(worker) for worker in workers))
    with locked(folder):
        pass


def _until(done, limit_s=300.0):  # two starts of Python take their time on a busy machine
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < limit_s
        time.sleep(0.02)


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _descendants(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize(
    ("make", "resume", "words"),
    [
        (lambda folder: folder.write_text(""), True, "is not a folder; choose another"),
        (lambda folder: (folder / "notes.txt", folder.mkdir())[0].write_text(""), True, "holds 'notes.txt', which no"),
        (lambda folder: Study(folder, studies.groups(1)).run(here(studies.compute)), False, "holds a study already"),
    ],
)
def test_folders_that_hold_something_else_are_refused(tmp_path, make, resume, words):
    make(tmp_path / "study")
    with pytest.raises(ValueError, match=words):
        Study(tmp_path / "study", studies.groups(1)).run(here(studies.compute), resume=resume)


def test_a_part_that_was_cut_off_is_computed_again(tmp_path):
    study = Study(tmp_path / "study", studies.groups(2))
    study.run(here(studies.compute))
    before = table_of(tmp_path / "study")
    part = study.part(study.groups[1])
    part.write_bytes(part.read_bytes()[:-30])
    study.run(here(studies.compute), resume=True)
    assert table_of(tmp_path / "study") == before


def test_a_part_damaged_inside_is_named(tmp_path):
    study = Study(tmp_path / "study", studies.groups(2))
    study.run(here(studies.compute))
    part = study.part(study.groups[1])
    whole = bytearray(part.read_bytes())
    whole[4:60] = bytes(56)
    part.write_bytes(whole)
    with pytest.raises(ValueError, match=rf"{study.groups[1].key}\.parquet: cannot be read .*; delete it and resume"):
        study.run(here(studies.compute), resume=True)


def test_when_a_group_fails_those_under_way_are_kept(tmp_path):
    study = Study(tmp_path / "study", studies.groups(15, fails="group 1", takes_s=0.2))
    with pytest.raises(ZeroDivisionError, match="in one group") as failure:
        study.run(on_cores(studies.compute, 2))
    assert failure.value.__notes__ == ["while computing group 1"]
    assert any(study.part(group).is_file() for group in study.groups)
    assert not all(study.part(group).is_file() for group in study.groups if group.label != "group 1")


def test_overhead_is_told_for_a_cell(monkeypatch):
    monkeypatch.setattr(benchmark, "on_cores", lambda compute, workers: here(compute))
    told = benchmark.overhead(cells=40)
    assert told["cells_of_a_group"].to_list() == [1, 1, 20, 20]
    assert (told["cells"] == 40).all()
    assert ((told["ms_per_cell"] - told["s"] * 1e3 / 40).abs() < 1e-9).all()


def test_seconds_add_up_over_all_groups(tmp_path):
    study = Study(tmp_path / "study", studies.groups(4))
    study.run(here(studies.compute))
    assert study.seconds() == {"all": 2.0}
