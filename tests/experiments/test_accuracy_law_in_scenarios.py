"""`Scenario.accuracy_law`: from a YAML file to payoffs, learners and references; what knows Eq. 7 alone refuses."""

import re

import pytest
import torch

from twinoffload import Exponential, PowerLaw, Scenario, best_response, optimal_price, solve, uplink_rate
from twinoffload.cli import main
from twinoffload.env.references import Equilibrium
from twinoffload.experiments.comparison import compare, held_out, reference_names, references, summarise
from twinoffload.experiments.expected import Expected
from twinoffload.game.expected_price import Belief, Range, expected_best_price
from twinoffload.game.explanation import explain_pair, explain_rate
from twinoffload.learning.amortised.settings import AmortisedSettings
from twinoffload.learning.export.agreement import TOLERANCE
from twinoffload.learning.export.folder import export_run
from twinoffload.learning.kinds import kind_of
from twinoffload.learning.run_folder import RunFolder
from twinoffload.learning.training import Trainer, TrainSettings
from twinoffload.report.tables import scenario_settings

PAPER = Scenario.load("paper")
POWER = PAPER.replace(accuracy_law={"kind": "power", "exponent": 0.5, "ceiling": 0.9})
LEARNER = {"algorithm": "sac", "batch": 32, "actor_rate": 3e-3, "critic_rate": 3e-3, "discount": 0.0}
SHORT = TrainSettings.model_validate(
    {"episodes": 6, "environments": 4, "warmup": 8, "replay": 4000, "operator": LEARNER, "maps": LEARNER}
)


def test_the_default_is_eq_7_and_is_not_written_down():
    assert PAPER.accuracy_law == Exponential() == PAPER.market().law
    assert "accuracy_law" not in PAPER.to_yaml()
    assert "accuracy_law" not in PAPER.model_dump(mode="json")
    assert PAPER.replace(accuracy_law={"kind": "exponential", "ceiling": 1}) == PAPER


@pytest.mark.parametrize("law", [Exponential(0.9), PowerLaw(0.5), PowerLaw(2.0, 0.7)])
def test_another_law_is_saved_loaded_and_passed_on(tmp_path, law):
    scenario = PAPER.replace(accuracy_law=law)
    scenario.save(tmp_path / "law.yaml")
    loaded = Scenario.load(tmp_path / "law.yaml")
    assert loaded == scenario
    assert loaded.accuracy_law == loaded.market().law == loaded.replace(maps=5).sample_market(2).law == law
    exponent = f", exponent: {law.exponent}" if isinstance(law, PowerLaw) else ""
    told = f"{{kind: {law.kind}, ceiling: {law.ceiling}{exponent}}}"
    (tmp_path / "short.yaml").write_text(f"extends: paper\naccuracy_law: {told}\n")
    assert Scenario.load(tmp_path / "short.yaml").accuracy_law == law
    row = next(row for row in scenario_settings(scenario) if row.name == "accuracy_law")
    assert row.values == (str(law),)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"kind": "power"}, "accuracy_law.exponent"),
        ({"kind": "power", "exponent": 0}, "exponent = 0.0: must be finite and above 0"),
        ({"kind": "power", "exponent": True}, "accuracy_law.exponent = True: input should be a valid number"),
        ({"kind": "power", "exponent": "2"}, "accuracy_law.exponent = '2'"),
        ({"kind": "power", "exponent": float("nan")}, "exponent = nan: must be finite"),
        ({"kind": "power", "exponent": 1, "floor": 0.1}, "unknown field 'accuracy_law.floor'; known fields: exponent"),
        ({"kind": "exponential", "ceiling": 1.5}, "ceiling = 1.5: must be in (0, 1]"),
        ({"kind": "exponential", "celing": 0.5}, "did you mean 'ceiling'"),
        ({"kind": "logistic"}, "accuracy_law.kind = 'logistic': must be one of exponential, power"),
        ({"exponent": 1.0}, "accuracy_law.kind is missing: must be one of exponential, power"),
        ("power", "accuracy_law = 'power'"),
        (None, "accuracy_law = None"),
    ],
)
def test_a_bad_law_is_refused_in_one_line(value, words):
    with pytest.raises(ValueError, match=r"^scenario paper: [^\n]+$") as caught:
        PAPER.replace(accuracy_law=value)
    assert words in str(caught.value)


def test_the_price_range_ends_where_nobody_buys():
    for law in (Exponential(0.5), PowerLaw(0.5, 0.5)):
        scenario = Scenario.load("open").replace(accuracy_law=law)
        assert scenario.highest_price == 0.5 * Scenario.load("open").highest_price
        gain = scenario.sample_gain(3)
        rate = uplink_rate(scenario.market(), gain, gain.argmax(-1))
        assert (optimal_price(scenario.market(), rate).price < scenario.highest_price).all()
        assert (best_response(scenario.market(), rate, torch.full_like(rate, scenario.highest_price)).data == 0).all()


@pytest.fixture(scope="module")
def rows():
    table = compare(references(POWER), held_out(POWER.replace(slots=8), (0,), 4), (0,))
    return {row["scheme"]: row for row in summarise(table)}


def test_references_play_under_a_power_law(rows):
    assert tuple(rows) == reference_names(POWER)
    share = {name: row["operator_share_of_admission"]["median"] for name, row in rows.items()}
    assert share["random"] < share["pairwise"] <= share["posted"] <= share["admission"] == 1.0
    for name in ("pairwise", "posted"):
        assert rows[name]["regret_share"]["median"] < 1e-9
    assert share["committed"] == pytest.approx(share["posted"], abs=0.02)  # it tells delays, and those are of no law
    assert rows["committed"]["regret_share"]["median"] < 0.01


def test_payoffs_are_those_of_the_law():
    """The environment's reward against the formula, written out."""
    gain = POWER.sample_gain(5)
    outcome = solve(POWER.market(), gain, "pairwise")
    steepness = torch.tensor([0.64, 0.84], dtype=torch.float64)[outcome.association]
    accuracy = 0.9 * (1.0 - (1.0 + steepness * outcome.data / 0.5) ** -0.5)
    torch.testing.assert_close(outcome.accuracy, accuracy, rtol=1e-12, atol=0.0)
    price = outcome.price.gather(-1, outcome.association.unsqueeze(-1)).squeeze(-1)
    utility = 10.0 * accuracy - outcome.delay - price * outcome.data
    torch.testing.assert_close(outcome.map_utility, utility, rtol=1e-10, atol=1e-12)


def test_sac_learns_under_a_power_law_and_is_exported(tmp_path):
    run = RunFolder.create(tmp_path / "run", POWER.replace(slots=20), SHORT, [0])
    rows = []
    run.train(rows.extend)
    assert RunFolder.open(tmp_path / "run").scenario.accuracy_law == POWER.accuracy_law
    assert rows[-1]["maps_critic_loss"] < rows[1]["maps_critic_loss"]
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    assert export_run(RunFolder.open(tmp_path / "run"), tmp_path / "onnx").difference <= TOLERANCE


def test_rows_of_different_laws_are_not_stacked():
    with pytest.raises(ValueError, match="cannot be stacked: accuracy_law is exponential, ceiling 1 and power"):
        Trainer([PAPER, POWER], SHORT, [0, 1])


# what knows Eq. 7 alone


def refused(call, *words):
    with pytest.raises(ValueError, match=r"^[^\n]*accuracy_law [^\n]*Eq\. 7 only; [^\n]+$") as caught:
        call()
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("law", [PowerLaw(0.5), Exponential(0.9)])
def test_explain_refuses(law, capfd, tmp_path):
    scenario = PAPER.replace(accuracy_law=law)
    market, gain = scenario.market(), scenario.sample_gain(1)[0]
    refused(lambda: explain_rate(market, 3.0), "`explain`", str(law))
    refused(lambda: explain_pair(market, gain, [0, 0, 0, 0], n=0, m=0), "`explain`")
    scenario.save(tmp_path / "law.yaml")
    for words in (["--rate", "3", "--map", "1", "--station", "1"],
                  ["--gain", str(tmp_path / "none.csv"), "--map", "1", "--station", "1"]):  # fmt: skip
        with pytest.raises(SystemExit) as caught:
            main(["explain", *words, "--scenario", str(tmp_path / "law.yaml")])
        out, err = capfd.readouterr()
        assert (caught.value.code, out) == (2, "")
        assert re.fullmatch(r"error: accuracy_law [^\n]*`explain` knows Eq\. 7 only; [^\n]*\n", err)


@pytest.mark.parametrize("law", [PowerLaw(0.5), Exponential(0.9)])
def test_amortised_refuses_before_a_folder_is_made(law, tmp_path):
    settings = AmortisedSettings(episodes=1)
    assert kind_of(settings.model_dump(mode="json")) is AmortisedSettings
    scenario = PAPER.replace(accuracy_law=law)
    refused(lambda: RunFolder.create(tmp_path / "run", scenario, settings, [0]), "`amortised`", str(law))
    assert not (tmp_path / "run").exists()


def test_the_average_over_private_worth_refuses_but_for_a_ceiling():
    private = Scenario.load("private").replace(slots=2, maps=3)
    other, capped = (private.replace(accuracy_law=law) for law in (PowerLaw(0.5), Exponential(0.9)))
    assert "expected" not in reference_names(other)
    assert reference_names(capped) == reference_names(private)
    for scenario in (other, capped):
        episodes = held_out(scenario, (0,), 1)
        if scenario is other:
            refused(lambda: compare([Expected()], episodes, (0,)), "`expected`")  # noqa: B023
        else:
            played = compare([Equilibrium("admission"), Expected()], episodes, (0,))
            share = played["operator_share_of_admission"].to_list()
            assert 0.3 < share[1] <= share[0] == 1.0


def test_a_ceiling_scales_the_expected_price():
    terms = PAPER.market().terms(4, 2)
    capped = PAPER.replace(accuracy_law=Exponential(0.8)).market().terms(4, 2)
    time = torch.full((4, 2), 0.2, dtype=torch.float64)
    one = torch.ones((), dtype=torch.float64)

    def offer(terms, low, high):
        return expected_best_price(terms, Belief(Range(low * one, high * one), Range(0.5 * one, 1.5 * one)), time)

    for found, expected in zip(offer(capped, 5.0, 15.0), offer(terms, 4.0, 12.0), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    power = POWER.market().terms(4, 2)
    refused(lambda: offer(power, 5.0, 15.0), "the average over private worth")
