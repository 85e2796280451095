"""Schemes of somebody's own: found by name, checked, trained to the same bit, and played beside the rest."""

import re
from pathlib import Path

import polars as pl
import pytest
import torch

from twinoffload import Scenario
from twinoffload.env.own_scheme import OwnScheme
from twinoffload.env.own_source import find_scheme
from twinoffload.env.references import BestReplying, Constant
from twinoffload.experiments.comparison import held_out, play_episodes
from twinoffload.experiments.own_schemes import schemes_beside
from twinoffload.learning.kinds import begin, check
from twinoffload.learning.own.settings import OwnSettings
from twinoffload.learning.run_folder import RunFolder

EXAMPLES = Path(__file__).parents[2] / "examples" / "schemes"
HEURISTIC, LEARNED = f"{EXAMPLES / 'heuristic.py'}:FairShare", f"{EXAMPLES / 'learned.py'}:LinearPrices"
PAPER = Scenario.load("paper").replace(slots=4)
OPEN = Scenario.load("open")


@pytest.fixture
def written(tmp_path):
    """A function that writes a module and names the class in it."""
    count = iter(range(100))

    def write(body, name="Mine"):
        file = tmp_path / f"mine_{next(count)}.py"
        file.write_text(body, encoding="utf-8")
        return f"{file}:{name}"

    return write


HALF = """
class Mine:
    def price(self, slots):
        return 0.5 * slots.highest_price + 0 * slots.gain
"""


def played(source, scenario=PAPER, seeds=(0, 1)):
    return OwnScheme(find_scheme(source), [scenario] * len(seeds), seeds)


def test_five_lines_are_a_scheme_whose_maps_best_reply(written):
    channels = held_out(PAPER, [0, 1], 2)
    own = play_episodes(played(written(HALF)), channels)
    ours = play_episodes(Constant(torch.tensor([0.625, 0.625])), channels)
    torch.testing.assert_close(own["operator"], ours["operator"], rtol=1e-12, atol=0)
    torch.testing.assert_close(own["regret"], torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-9)


def test_without_prices_the_operator_posts_the_best_constant_one(written):
    replies = """
class Mine:
    def offload(self, slots, price):
        return slots.gain.argmax(-1), 0.0
"""
    scheme, channels = played(written(replies)), held_out(PAPER, [0, 1], 1)
    assert (play_episodes(scheme, channels)["operator"] == 0.0).all()
    from twinoffload.env.constant_price import best_constant_price
    from twinoffload.env.slots import Slots

    torch.testing.assert_close(scheme.price(Slots(channels))[1, 0, 0], best_constant_price(PAPER))


def test_a_module_on_the_path_of_the_working_folder_is_found(written, tmp_path, monkeypatch):
    written(HALF)
    monkeypatch.chdir(tmp_path)
    assert find_scheme("mine_0:Mine").name == "Mine"


def test_each_row_sees_its_own_scenario_and_draws_by_its_own_seed(written):
    body = """
import torch
class Mine:
    def __init__(self, scenario):
        self.bandwidth = scenario.bandwidth
    def price(self, slots):
        assert slots.scenario.bandwidth == self.bandwidth
        assert slots.gain.shape == (3, 4, 2)
        return 0.1 * torch.rand(()) + 0.1 * self.bandwidth + 0 * slots.gain
"""
    source = written(body)
    wide = PAPER.replace(bandwidth=7.0)
    from twinoffload.env.slots import Slots
    from twinoffload.learning.rows import draw_rows
    from twinoffload.seeding import stream

    slots = Slots(draw_rows([PAPER, wide], 3, [stream(s, "x") for s in (5, 6)], slots=2))
    both = OwnScheme(find_scheme(source), [PAPER, wide], [5, 6])
    both.begin(slots)
    before = torch.get_rng_state()
    price = both.price(slots)
    assert torch.equal(before, torch.get_rng_state()), "our own randomness is left alone"
    assert (price[0] < 0.6).all()
    assert (price[1] >= 0.7).all()
    both.begin(slots)
    assert torch.equal(price, both.price(slots))
    single = Slots(draw_rows([wide], 3, [stream(6, "x")], slots=2))
    alone = both.alone(1)
    alone.begin(single)
    assert torch.equal(alone.price(single)[0], price[1])


def test_the_learned_example_learns():
    """From prices that it has at the start to what it earns after some training, on channels that it has not seen."""
    settings = OwnSettings.from_values("x", {"source": LEARNED, "episodes": 12, "environments": 8})
    scenario = OPEN.replace(slots=40)
    trainer, channels = begin(scenario, settings, [0, 1]), held_out(scenario, [0, 1], 4)
    before = play_episodes(trainer.agents, channels)["operator"]
    rows = []
    trainer.run(rows.append)
    after = play_episodes(trainer.agents, channels)["operator"]
    assert (after > before + 0.2).all()
    assert len(rows) == 12
    assert rows[0][1]["seed"] == 1
    assert {"operator_utility_money", "map_regret_money", "stopped"} <= rows[0][0].keys()


def test_a_seed_trains_the_same_whatever_is_trained_beside_it():
    settings = OwnSettings.from_values("x", {"source": LEARNED, "episodes": 2, "environments": 2})
    both, alone = begin(PAPER, settings, [0, 1]), begin(PAPER, settings, [1])
    for trainer in (both, alone):
        trainer.run(lambda rows: None)
    for name, tensor in alone.state().items():
        if name.startswith("own."):
            assert torch.equal(tensor, both.state()[name.replace("own.0", "own.1")]), name


def test_a_run_of_a_scheme_is_a_run_like_any_other(tmp_path):
    settings = OwnSettings.from_values("x", {"source": LEARNED, "episodes": 2, "environments": 2})
    run = RunFolder.create(tmp_path / "run", PAPER, settings, [0, 1])
    run.train()
    again = RunFolder.open(tmp_path / "run")
    assert again.settings == settings
    assert again.episodes_done() == 2
    assert pl.read_parquet(tmp_path / "run" / "metrics.parquet").height == 4
    assert list((tmp_path / "run" / "tensorboard").iterdir())
    channels = held_out(PAPER, [0, 1], 1)
    agents = again.trainer().agents
    assert torch.equal(
        play_episodes(agents, channels)["operator"], play_episodes(run.trainer().agents, channels)["operator"]
    )
    (beside,) = schemes_beside([str(tmp_path / "run")], PAPER, [0, 1])
    assert beside.name == "linear prices"
    again.extend(3)
    again.train()
    assert again.episodes_done() == 3


def test_a_changed_file_is_not_taken_for_what_was_trained(written, tmp_path):
    source = written(HALF)
    settings = OwnSettings.from_values("x", {"source": source, "episodes": 1, "environments": 1})
    RunFolder.create(tmp_path / "run", PAPER, settings, [0]).train()
    Path(source.rpartition(":")[0]).write_text(HALF.replace("0.5", "0.6"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"mine_0\.py has changed since it was trained; restore it, or train anew"):
        RunFolder.open(tmp_path / "run").trainer()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("class Other:\n    def price(self, slots): ...", "has no class Mine; schemes there: Other"),
        ("class Mine:\n    pass", "has neither `price(slots)` nor `offload(slots, price)`; give one, or both"),
        ("class Mine:\n    def price(self): ...", "its `price` must take (slots)"),
        (
            "class Mine:\n    def price(self, slots): ...\n    def learn(self, slots): ...",
            "its `learn` must take (slots,",
        ),
        ("class Mine:\n    name = 'a/b'\n    def price(self, slots): ...", "name = 'a/b': must be"),
        ("import nowhere_at_all", "cannot be imported: ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("class Mine(", "cannot be imported: SyntaxError"),
    ],
)
def test_what_is_no_scheme_is_refused_when_it_is_looked_for(written, body, says):
    with pytest.raises(ValueError, match=re.escape(says)) as refusal:
        find_scheme(written(body))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("Mine", "must be my_module:MyScheme, or path/to/my_file.py:MyScheme"),
        ("nowhere.py:Mine", "there is no file nowhere.py"),
        ("nowhere_at_all:Mine", "there is no module nowhere_at_all here"),
    ],
)
def test_what_is_nowhere_is_refused(source, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        find_scheme(source)


KEPT = "    def state_dict(self): return {}\n    def load_state_dict(self, state): ...\n"
PRICE = "class Mine:\n    def price(self, slots):\n        import torch\n        return {}\n"
BOTH = "class Mine:\n    def offload(self, slots, price):\n        return {}\n"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (
            PRICE.format("slots.gain[0, :, :1].T"),
            "price gave Tensor of shape [1, 4]: must be prices of shape [2, 4, 2]",
        ),
        (PRICE.format("'dear'"), "price gave str: must be prices of shape [2, 4, 2]"),
        (PRICE.format("-0.1"), "price gave -0.1: prices must be at least 0"),
        (PRICE.format("float('nan')"), "price gave nan: prices must be at least 0"),
        (PRICE.format("2.0"), "price gave 2: prices must be at most 1.25 money/MB, or inf"),
        (PRICE.format("1 / 0"), "price failed: ZeroDivisionError: division by zero (mine_0.py, line 4)"),
        (BOTH.format("price"), "offload gave Tensor: must give (association, data)"),
        (BOTH.format("(2, 0.0)"), "offload chose BS 2: must be an integer from 0 to 1"),
        (BOTH.format("(0.5, 0.0)"), "offload chose BS 0.5: must be an integer from 0 to 1"),
        (BOTH.format("(0, 5.1)"), "offload sent 5.1 MB: must be 0 to the raw data, 5 MB"),
        (BOTH.format("(0, float('nan'))"), "offload sent nan MB"),
        (
            HALF + "    def __init__(self, a, b): ...",
            "its constructor failed: TypeError: must take (scenario), or nothing",
        ),
        (HALF + "    def state_dict(self): return {'a': 1}", "state_dict holds 'a', a int: must be tensors"),
        (
            HALF + KEPT + "    def learn(self, *played): raise RuntimeError('two\\nlines')",
            "learn failed: RuntimeError: two lines",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(written, tmp_path, body, says):
    settings = OwnSettings.from_values("x", {"source": written(body)})
    with pytest.raises(ValueError, match=re.escape(says)) as refusal:
        check(PAPER, settings, [0])
    assert "\n" not in str(refusal.value)
    with pytest.raises(ValueError, match=re.escape(says)):
        RunFolder.create(tmp_path / "run", PAPER, settings, [0])
    assert not (tmp_path / "run").exists()


def test_what_is_not_offered_takes_no_data(written):
    body = """
class Mine:
    def price(self, slots):
        return float("inf")
    def offload(self, slots, price):
        return 0, 1.0
"""
    result = play_episodes(played(written(body)), held_out(PAPER, [0, 1], 1))
    assert (result["data_mb"] == 0.0).all()
    assert (result["map"] == 0.0).all()


@pytest.mark.parametrize(
    ("sources", "says"),
    [
        ([LEARNED], "it learns; train it"),
        ([HEURISTIC, HEURISTIC], "another scheme here is called 'fair share', too"),
    ],
)
def test_schemes_beside_are_ready_to_play_and_told_apart(sources, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        schemes_beside(sources, PAPER, [0])


def test_names_that_tables_have_given_away_are_refused(written):
    source = written(HALF.replace("class Mine:", "class Mine:\n    name = 'posted'"))
    with pytest.raises(ValueError, match="name = 'posted' is taken in these tables"):
        schemes_beside([source], PAPER, [0])


def test_runs_beside_must_be_of_the_same_game(tmp_path):
    settings = OwnSettings.from_values("x", {"source": LEARNED, "episodes": 1, "environments": 1})
    RunFolder.create(tmp_path / "run", PAPER, settings, [0]).train()
    with pytest.raises(ValueError, match="was trained for 'paper', whose values are not all those of"):
        schemes_beside([str(tmp_path / "run")], OPEN, [0])
    with pytest.raises(ValueError, match=re.escape("has seeds [0], played are [0, 1]")):
        schemes_beside([str(tmp_path / "run")], PAPER, [0, 1])


def test_best_replies_are_those_of_the_references():
    """The default replies are the same class, so that whoever brings prices alone is compared on equal terms."""
    assert isinstance(played(LEARNED)._replies, BestReplying)


GREEDY = """
class Mine:
    observation = "full"

    def _write(self, slots):
        {write}

    def price(self, slots):
        price = slots.highest_price + 0 * slots.gain
        self._write(slots)
        return price

    def offload(self, slots, price):
        half = 0.5 * slots.terms.raw_data.squeeze(-1).expand(slots.gain.shape[:-1])
        self._write(slots)
        {price}
        return slots.gain.argmax(-1) * 0, half

    def learn(self, slots, price, association, data, payoff):
        for value in (price, data, *payoff.values()):
            value.zero_()

    def state_dict(self):
        return {{}}

    def load_state_dict(self, state):
        pass
"""


@pytest.mark.parametrize(
    "write",
    [
        "slots.gain.div_(slots.gain.mean())",
        "slots.terms.accuracy_value.mul_(1.2)",
        "slots.terms.raw_data.mul_(9.0)",
        "slots.last_interference.zero_(); slots.association.zero_()",
    ],
)
def test_what_a_scheme_writes_into_what_it_is_shown_changes_nothing(written, write):
    honest, greedy = (
        written(GREEDY.format(write=first, price=second))
        for first, second in (("pass", "pass"), (write, "price.zero_()"))
    )
    earned = []
    for source in (honest, greedy):
        rows = []
        begin(PAPER, OwnSettings(source=source, episodes=2, environments=2), [0, 1], "cpu").run(rows.extend)
        scheme = OwnScheme(find_scheme(source), [PAPER], [0])
        played = play_episodes(scheme, held_out(PAPER, (0,), 2))
        told = {name: played[name].tolist() for name in ("operator", "map", "regret", "data_mb")}
        earned.append((rows, told))
    assert earned[0] == earned[1]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("def price(self, slots): return 1j + 0 * slots.gain", "price gave Tensor of shape .*: must be prices"),
        ("def price(self, slots): raise SystemExit(3)", r"price failed: SystemExit: 3|price failed: .*3"),
        (
            "def offload(self, slots, price): return 0.5 + 0 * slots.gain[..., 0], 0 * slots.gain[..., 0]",
            "offload chose BS 0.5: must be an integer from 0 to 1",
        ),
    ],
)
def test_more_that_is_refused_in_one_line(written, body, told):
    scheme = OwnScheme(find_scheme(written(f"class Mine:\n    {body}\n")), [PAPER], [0])
    with pytest.raises(ValueError, match=told) as refused:
        play_episodes(scheme, held_out(PAPER, (0,), 1))
    assert "\n" not in str(refused.value)


def test_a_scheme_keeps_what_it_learns_or_is_refused(written, tmp_path):
    forgetful = written(HALF + "    def learn(self, *played): self.seen = played")
    with pytest.raises(ValueError, match="has `learn`, but no `state_dict` and `load_state_dict`, so nothing that it"):
        begin(PAPER, OwnSettings(source=forgetful, episodes=1, environments=1), [0], "cpu")
    body = """
    played = 0
    def learn(self, *played): self.played += 1
    def state_dict(self):
        import torch
        return {"w": torch.tensor(float("nan") if self.played > 2 else 0.0)}
    def load_state_dict(self, state): pass
"""
    settings = OwnSettings(source=written(HALF + body), episodes=1, environments=1)
    run = RunFolder.create(tmp_path / "run", PAPER, settings, [0])  # a trial slot is played
    with pytest.raises(ValueError, match="state_dict holds NaN in 'w' after episode 1; nothing was saved"):
        run.train()
    assert run.episodes_done() == 0
