"""`twinoffload claims` from the command line."""

import json

import pytest
from test_errors import refused, run

import claim_tables
from twinoffload.experiments.claims import CLAIMS, READINGS

COLOUR = "\x1b["


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A study in which all that the paper claims holds, but that SAC decides no faster than `pairwise`."""
    tables = claim_tables.whole(10, 5)
    slow = claim_tables.Tables(
        tables.cells, claim_tables.decision_time(pairwise=0.4), tables.growth, tables.propositions
    )
    return claim_tables.written(slow, tmp_path_factory.mktemp("claims") / "study")


def test_verdicts_are_read_without_colour_in_the_order_of_the_claims(capfd, folder):
    status, out, err = run(capfd, "claims", folder)
    assert (status, err) == (0, "")
    assert COLOUR not in out
    heads = [line.split()[0] for line in out.splitlines() if line.startswith(tuple(f"{one.id}  " for one in CLAIMS))]
    assert heads == [one.id for one in CLAIMS]
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    at = next(i for i, line in enumerate(lines) if "SAC decides faster" in line)
    assert lines[at].startswith("holds ")
    assert "times as fast" in lines[at]
    assert "signed-rank" in lines[at]
    assert "p 0.006, n = 10" in lines[at + 1]
    assert "5 seeds cannot decide 3 parts, which takes 6 or more" in out
    assert ["C9", "3+", "3-"] in [line.split() for line in lines[at:]], "the overview"


def test_what_fails_says_why_and_the_rest_if_asked(capfd, folder):
    words = ("claims", folder, "--only", "C9, C4", "--reading", "main")
    short, long = run(capfd, *words)[1], run(capfd, *words, "--reasons")[1]
    assert " ms against " in short, "SAC is slower than pairwise"
    assert "10 of 10" not in short
    assert long.count("10 of 10") == 14
    assert "\nC5" not in long
    assert "discount-0" not in long


def test_json_has_every_verdict_with_its_command(capfd, folder):
    status, out, _ = run(capfd, "claims", folder, "--json")
    assert status == 0
    told = json.loads(out)
    assert set(told) == {"study", "claims", "readings", "verdicts"}
    assert [one["id"] for one in told["claims"]] == [one.id for one in CLAIMS]
    assert list(told["readings"]) == list(READINGS)
    assert {one["verdict"] for one in told["verdicts"]} == {"holds", "fails", "undecided"}
    assert all(one["source"].startswith("twinoffload reproduce ") for one in told["verdicts"])
    one = json.loads(run(capfd, "claims", folder, "--json", "--only", "D2", "--reading", "silent")[1])
    assert [(verdict["claim"], verdict["reading"]) for verdict in one["verdicts"]] == [("D2", "silent")]


def test_an_empty_study_says_what_to_do(capfd, tmp_path):
    refused(run(capfd, "claims", tmp_path), "holds none of table.parquet", "twinoffload reproduce all --resume")
    refused(run(capfd, "claims", tmp_path / "nothing"), "there is no such folder", "twinoffload reproduce all")


def test_unknown_names_are_refused(capfd, folder):
    refused(run(capfd, "claims", folder, "--reading", "loud"), "--reading 'loud'", "main, discount-0")
    refused(run(capfd, "claims", folder, "--only", "C99"), "--only 'C99'", "C1, C2")
    refused(run(capfd, "claims", folder, "--only", ""), "--only ''", "or all")


def test_a_study_that_has_only_begun_says_which_command_goes_on(capfd, folder, tmp_path):
    begun = tmp_path / "begun"
    begun.mkdir()
    (begun / "growth.csv").write_bytes((folder / "growth.csv").read_bytes())
    out = " ".join(run(capfd, "claims", begun)[1].split())
    for command in ("fig2", "fig4", "readings", "timing", "propositions"):
        assert f"`twinoffload reproduce {command} --resume`" in out
    assert not (begun / "report.html").exists(), "there is no study yet"
