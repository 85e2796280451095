"""The examples run as they stand, for less time."""

import importlib.util
import runpy
import sys
from pathlib import Path

import pytest
import torch

from checks import printed_as

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_stable_baselines3_trains_as_the_operator(capsys):
    main = runpy.run_path(str(EXAMPLES / "sb3_operator.py"))["main"]
    shares = main(["--scenario", "open", "--steps", "400", "--environments", "4", "--episodes", "1"])
    assert shares["pairwise"] == 1.0
    assert 0.0 < shares["stable-baselines3 SAC"] < 1.1
    assert capsys.readouterr().out.startswith('{"steps": 400')
    with pytest.raises(ValueError, match="opne"):
        main(["--scenario", "opne", "--steps", "4"])


@pytest.mark.parametrize("question", sorted((EXAMPLES / "questions").glob("*_*.py")), ids=lambda path: path.stem)
def test_a_question_is_answered_as_its_page_says_and_drawn(question, tmp_path, capsys, monkeypatch):
    out = tmp_path / "picture.svg"
    monkeypatch.setattr("sys.argv", [question.name, "--out", str(out)])
    monkeypatch.syspath_prepend(str(question.parent))
    runpy.run_path(str(question), run_name="__main__")
    page = (EXAMPLES.parent / "docs" / "questions.md").read_text(encoding="utf-8")
    printed = capsys.readouterr().out.splitlines()
    assert printed
    for line in printed:
        assert any(printed_as(shown, line, close=0.1) for shown in page.splitlines()), line
    assert "<svg" in out.read_text(encoding="utf-8")


@pytest.fixture
def benchmarl_pricing(monkeypatch):
    """The example as a module that can be found by its name: BenchMARL pickles its classes."""
    pytest.importorskip("benchmarl")
    spec = importlib.util.spec_from_file_location("benchmarl_pricing", EXAMPLES / "benchmarl_pricing.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:PettingZoo in TorchRL")
def test_benchmarl_trains_operator_and_maps(benchmarl_pricing, capsys):
    few = ["--slots", "400", "--environments", "2", "--updates", "2", "--episodes", "1"]
    table = benchmarl_pricing.main(["--scenario", "open", *few, "--seeds", "2"])
    learned = ["BenchMARL masac", "tuned, as many slots", "tuned, a seed's seconds"]
    assert table["scheme"].to_list() == [*learned, "admission", "pairwise", "constant"]
    assert table["slots"].to_list()[:2] == [400, 400]
    assert table.filter(table["scheme"] == "admission")["operator_median"].item() == 1.0
    assert table["operator_median"].is_finite().all()
    assert capsys.readouterr().out == table.write_csv()
    with pytest.raises(ValueError, match="opne"):
        benchmarl_pricing.main(["--scenario", "opne", *few])


def test_benchmarl_learns_prices_from_what_they_earned(benchmarl_pricing):
    """Two steps of the environment itself: the reward that comes with the second answers the first's prices."""
    env = benchmarl_pricing.Pricing("PRICING", {"scenario": "open", "max_cycles": 4}).get_env_fun(1, True, 0, "cpu")()
    batch = env.rollout(4).unsqueeze(0)
    paid = batch["next", "operator", "reward"].flatten().tolist()
    seen, posted = (batch["operator", name].clone() for name in ("observation", "action"))
    benchmarl_pricing.PaidNextStep().on_batch_collected(batch)
    assert batch["next", "operator", "reward"].flatten().tolist() == [*paid[1:], paid[3]]
    for name, before in (("observation", seen), ("action", posted)):
        assert batch["operator", name].equal(before[:, [0, 1, 2, 2]])
    assert batch["next", "maps", "reward"].min() >= -10.0
    with torch.no_grad():
        prices = (posted[0, :3, 0].double() * 1.1).clamp(-1, 1).add(1).mul(0.5)  # share of the range, [3, N M]
        told = batch["maps", "observation"][0, 1:, :, 2:4].flatten(1)  # what mAPs see of them a step later
    torch.testing.assert_close(told, (2 * prices - 1).float())
