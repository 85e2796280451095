"""`twinoffload doctor`: what it tells, and that a fault is told as one."""

import json

import pytest

from twinoffload.cli.app import main
from twinoffload.experiments import self_check


def call(*words):
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return ended.value.code or 0


def test_this_installation_computes_what_it_should(capsys):
    assert call("doctor") == 0
    printed = capsys.readouterr().out
    assert printed.count(" ok") == len(self_check.CHECKS)
    assert "torch" in printed


def test_a_wrong_answer_is_told_and_ends_in_status_1(capsys, monkeypatch):
    def broken():
        raise RuntimeError("no\nway")

    monkeypatch.setattr(self_check, "CHECKS", {"sums": lambda: "1 + 1 = 3", "more": broken, "fine": lambda: None})
    assert call("doctor", "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert [check["fault"] for check in told["checks"]] == ["1 + 1 = 3", "RuntimeError: no way", None]
    assert call("doctor") == 1
    assert "WRONG: 1 + 1 = 3" in capsys.readouterr().out


def test_a_wrong_price_is_found(monkeypatch):
    right = self_check.optimal_price

    def dearer(market, rate):
        from dataclasses import replace

        found = right(market, rate)
        return replace(found, profit=found.profit * 1.001)

    monkeypatch.setattr(self_check, "optimal_price", dearer)
    fault = self_check.CHECKS["best price: closed form against search"]()
    assert fault is not None
    assert "differ by" in fault
