"""`twinoffload calibrate`: what it prints and writes, and what it refuses in one line."""

from __future__ import annotations

import json

import pytest

from twinoffload import Scenario
from twinoffload.cli import main
from twinoffload.game.accuracy_law import Exponential

SIZES = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
RISES = (0.08, 0.15, 0.27, 0.44, 0.64, 0.8)


def run(capfd, *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    out, err = capfd.readouterr()
    return caught.value.code, out, err


def written(path, rows, header="data_mb,accuracy"):
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def two(tmp_path):
    """Two structures at one ceiling, with a column that nobody needs."""
    law = [(name, a, size, 0.8 * (1 - 2.718281828 ** (-a * size))) for name, a in (("small", 1.0), ("large", 2.0))
           for size in SIZES]  # fmt: skip
    rows = [(name, "x", size, f"{value:.4f}") for name, _, size, value in law]
    return written(tmp_path / "two.csv", rows, "structure,note,data_mb,accuracy")


def test_a_scenario_is_written_that_loads(capfd, tmp_path, two):
    out = tmp_path / "measured.yaml"
    status, told, _ = run(capfd, "calibrate", two, "--stations", "large,small", "--out", out)
    assert status == 0
    scenario = Scenario.load(out)
    assert isinstance(scenario.accuracy_law, Exponential)
    assert scenario.accuracy_law.ceiling == pytest.approx(0.8, abs=0.01)
    assert scenario.quality == pytest.approx((1.0, 0.5), abs=0.02)
    assert scenario.accuracy_weight == pytest.approx(2.0, abs=0.05)
    assert scenario.maps == Scenario.load("paper").maps
    assert "Eq. 7 fits badly" in told
    assert "BSs in turn: large, small" in told
    assert run(capfd, "calibrate", two, "--stations", "large,small", "--out", out)[0] == 2, "it is there already"


def test_one_structure_serves_all_stations(capfd, tmp_path, two):
    out = tmp_path / "measured.yaml"
    assert run(capfd, "calibrate", two, "--structure", "small", "--out", out)[0] == 0
    scenario = Scenario.load(out)
    assert scenario.quality == 1.0
    assert scenario.accuracy_weight == pytest.approx(1.0, abs=0.05)


def test_json_says_everything_and_eq_7_fits_its_own_curve(capfd, tmp_path):
    curve = written(tmp_path / "c.csv", [(size, 1 - 2.718281828 ** (-0.9 * size)) for size in SIZES])
    status, out, _ = run(capfd, "calibrate", curve, "--json")
    assert status == 0
    (found,) = json.loads(out)["curves"]
    assert (found["law"], found["eq_7_fits"], found["sizes"]) == ("exponential", True, 6)
    assert found["parameters"]["a"]["value"] == pytest.approx(0.9, rel=1e-3)
    assert list(found["errors"]) == [
        "exponential", "exponential with ceiling", "power", "power with ceiling"
    ]  # fmt: skip
    (scenario,) = json.loads(out)["scenarios"]
    assert scenario["fields"] == {"quality": 1.0, "accuracy_weight": pytest.approx(0.9, rel=1e-3)}


@pytest.mark.parametrize("form", [".png", ".pdf", ".svg"])
def test_a_plot_in_every_form(capfd, tmp_path, two, form):
    plot = tmp_path / f"plot{form}"
    assert run(capfd, "calibrate", two, "--structure", "small", "--plot", plot)[0] == 0
    assert plot.read_bytes().startswith({".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<svg"}[form])


GOOD = list(zip(SIZES, RISES, strict=True))
BAD = {
    "few sizes": (GOOD[:3], "3 different sizes, a law needs 4"),
    "few sizes, repeated": (GOOD[:3] * 4, "3 different sizes"),
    "above 1": ([*GOOD, (5, 87)], "line 8, column accuracy: 87 is outside [0, 1]"),
    "below 0": ([(0.05, -0.01), *GOOD], "line 2, column accuracy: -0.01 is outside [0, 1]"),
    "falls": (list(zip(SIZES, reversed(RISES), strict=True)), "accuracy does not rise with data_mb"),
    "flat": ([(size, 0.5) for size in SIZES], "accuracy does not rise"),
    "falls behind its peak": (
        list(zip(SIZES, (0.1, 0.4, 0.7, 0.65, 0.5, 0.35), strict=True)),
        "accuracy falls from 0.65 at 0.4 MB to 0.35 at 3.2 MB",
    ),
    "NaN": ([*GOOD, (5, "nan")], "line 8, column accuracy: 'nan' is no number"),
    "infinite": ([*GOOD, ("inf", 0.9)], "line 8, column data_mb: 'inf' is no size above 0 MB"),
    "infinite accuracy": ([*GOOD, (5, "-inf")], "column accuracy: -inf is outside [0, 1]"),
    "negative size": ([*GOOD, (-5, 0.9)], "column data_mb: '-5' is no size above 0 MB"),
    "no size": ([*GOOD, (0, 0.0)], "column data_mb: '0' is no size above 0 MB"),
    "text": ([*GOOD, ("five", 0.9)], "column data_mb: 'five' is no number"),
    "gap": ([*GOOD, (5, "")], "column accuracy: '' is no number"),
    "ragged": ([*GOOD, (5, 0, 9)], "line 8: has 3 cells for 2 columns; write decimals with a point"),
    "no rows": ([], "has no rows below its header"),
}


@pytest.mark.parametrize(("rows", "told"), BAD.values(), ids=BAD)
def test_bad_curves_are_refused_in_one_line(capfd, tmp_path, rows, told):
    status, out, err = run(capfd, "calibrate", written(tmp_path / "bad.csv", rows))
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "bad.csv" in err
    assert told in err


def test_bad_files_and_options_are_refused_in_one_line(capfd, tmp_path, two):
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\0\1")
    tasks = [(task, size, value) for task in ("a", "b") for size, value in GOOD]
    both = written(tmp_path / "both.csv", tasks, "task,data_mb,accuracy")
    for words, told in (
        (["missing.csv"], "no such file"),
        ([tmp_path], "is a folder"),
        ([tmp_path / "empty.csv"], "is empty; its first line names the columns, data_mb, accuracy"),
        ([tmp_path / "bytes.csv"], "is not text in UTF-8"),
        ([written(tmp_path / "x.csv", [], "size,phi")], "has no column 'data_mb' and no column 'accuracy' among: size"),
        ([written(tmp_path / "y.csv", [], "data_mb;accuracy")], "separate columns by commas"),
        ([written(tmp_path / "z.csv", [], "data_mb,accuracy,accuracy")], "has the column 'accuracy' twice"),
        ([two, "--structure", "huge"], "--structure 'huge': is not in the file, which has small, large"),
        ([two, "--task", "fault"], "--task 'fault': is not in the file, which has none"),
        ([two, "--stations", "small,huge"], "--stations: 'huge' is no structure, which has small, large"),
        ([two, "--out", tmp_path / "o.yaml"], "say which BS has which with --stations"),
        ([both, "--out", tmp_path / "o.yaml"], "a scenario has one task, the file a, b; choose with --task"),
        ([two, "--out", two], "is the file that CURVE reads"),
        ([two, "--plot", tmp_path / "p.gif"], "must end in .png, .pdf, .svg"),
    ):
        status, out, err = run(capfd, "calibrate", *words)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert told in err


def test_clip_takes_what_is_worse_than_no_model_as_0(capfd, tmp_path):
    curve = written(tmp_path / "c.csv", [(0.05, -0.02), *GOOD])
    status, out, _ = run(capfd, "calibrate", curve, "--clip", "--json")
    assert status == 0
    assert json.loads(out)["curves"][0]["sizes"] == 7


def test_one_bad_run_is_no_fall(capfd, tmp_path):
    curve = written(tmp_path / "c.csv", [*GOOD[:4], (1.2, 0.1), *GOOD[4:]])
    assert run(capfd, "calibrate", curve, "--json")[0] == 0


def test_sizes_in_the_wrong_unit_are_told(capfd, tmp_path):
    curve = written(tmp_path / "c.csv", [(size / 1e4, value) for size, value in GOOD])
    told = "and a scenario takes up to 1000; is data_mb in MB?"
    status, out, _ = run(capfd, "calibrate", curve)
    assert status == 0
    assert told in " ".join(out.split())
    status, _, err = run(capfd, "calibrate", curve, "--out", tmp_path / "measured.yaml")
    assert status == 2
    assert told in err
