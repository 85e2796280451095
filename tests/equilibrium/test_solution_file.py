"""Solutions as tables: what is written is what was found."""

from __future__ import annotations

import dataclasses
import math
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from twinoffload import Scenario, solve, tables
from twinoffload.equilibrium.solution_file import chosen_price, write_solution

FORMS = (".csv", ".parquet", ".npz")
IDS = ("snapshot", "map", "station")
FIELDS = {
    "data_mb": "data",
    "accuracy": "accuracy",
    "delay_s": "delay",
    "utility_money": "map_utility",
    "regret_money": "regret",
}
COLUMNS = [
    *IDS, "price_money_per_mb", "data_mb", "sampling_rate", "accuracy", "delay_s", "utility_money", "regret_money",
]  # fmt: skip
MAPS, STATIONS = ("a", "b,c", 'd"e', "é東"), ("north", "south, old")


def table(path: Path) -> dict[str, list]:
    """Columns of a file; None where something is missing."""
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as found:
            read = {name: found[name].tolist() for name in found.files}
        return {
            name: [None if value == "" or value != value else value for value in values]
            for name, values in read.items()
        }
    if path.suffix == ".parquet":
        return pl.read_parquet(path).to_dict(as_series=False)
    return pl.read_csv(path, schema_overrides=dict.fromkeys(IDS, pl.String)).to_dict(as_series=False)


def solved(count: int = 3, concept: str = "pairwise"):
    scenario = Scenario.load("open")
    market = scenario.market()
    return market, solve(market, scenario.sample_gain(count, seed=1), concept=concept)


def rows(outcome, raw_data, snapshots: tuple[str, ...]) -> list[tuple]:
    """The table written out with loops."""
    found = []
    for s, snapshot in enumerate(snapshots):
        for n, name in enumerate(MAPS):
            m = int(outcome.association[s, n])
            price = math.nan if m < 0 else outcome.price[s, n, m].item()
            values = {field: getattr(outcome, field)[s, n].item() for field in FIELDS.values()}
            rate = values["data"] / torch.as_tensor(raw_data).expand(4)[n].item()
            row = (price, values["data"], rate, *(values[name] for name in list(FIELDS.values())[1:]))
            cells = [value if math.isfinite(value) else None for value in row]
            found.append((snapshot, name, None if m < 0 else STATIONS[m], *cells))
    return found


@pytest.mark.parametrize("batch", [5, 1000])
@pytest.mark.parametrize("form", FORMS)
def test_what_is_written_is_what_was_found(tmp_path, monkeypatch, form, batch):
    monkeypatch.setattr(tables, "BATCH_ROWS", batch)
    market, outcome = solved()
    path, told, snapshots = tmp_path / f"solution{form}", [], ("0", "noon", "x")
    write_solution(
        path, outcome, market.raw_data, maps=MAPS, stations=STATIONS, snapshots=snapshots,
        each=lambda *done: told.append(done),
    )  # fmt: skip
    found = table(path)
    assert list(found) == COLUMNS
    assert list(zip(*found.values(), strict=True)) == rows(outcome, market.raw_data, snapshots)
    assert os.listdir(tmp_path) == [path.name]
    assert told == sorted(told)
    assert told[-1] == (12, 12)


@pytest.mark.parametrize("form", FORMS)
def test_what_is_off_not_offered_or_not_solved(tmp_path, form):
    market, outcome = solved()
    association, price, data = outcome.association.clone(), outcome.price.clone(), outcome.data.clone()
    association[0, 1] = -1
    price[1, 2] = math.inf
    association[2], data[2] = -1, math.nan
    outcome = dataclasses.replace(outcome, association=association, price=price, data=data)
    path = tmp_path / f"solution{form}"
    write_solution(path, outcome, market.raw_data, maps=MAPS, stations=STATIONS, snapshots=("0", "1", "2"))
    found = table(path)
    assert found["station"][1] is None
    assert found["price_money_per_mb"][1] is None
    assert found["station"][6] in STATIONS
    assert found["price_money_per_mb"][6] is None
    assert found["station"][8:] == found["data_mb"][8:] == found["sampling_rate"][8:] == [None] * 4
    assert list(zip(*found.values(), strict=True)) == rows(outcome, market.raw_data, ("0", "1", "2"))


@pytest.mark.parametrize("form", FORMS)
def test_one_snapshot_and_sparse_prices_make_the_same_table(tmp_path, form):
    market, batch = solved(1)
    single = solve(market, Scenario.load("open").sample_gain(1, seed=1)[0], concept="pairwise")
    sparse = dataclasses.replace(single, price=single.price.to_sparse_csr())
    raw_data = torch.tensor([5.0, 6.0, 7.0, 8.0], dtype=torch.float64)
    for name, outcome in (("batch", batch), ("single", single), ("sparse", sparse)):
        write_solution(tmp_path / f"{name}{form}", outcome, raw_data, maps=MAPS, stations=STATIONS)
    first = (tmp_path / f"batch{form}").read_bytes()
    assert (tmp_path / f"single{form}").read_bytes() == first
    assert (tmp_path / f"sparse{form}").read_bytes() == first
    assert list(zip(*table(tmp_path / f"batch{form}").values(), strict=True)) == rows(batch, raw_data, ("0",))


def test_the_price_on_a_sparse_pair():
    price = torch.tensor([[1.0, 2.0, 0.0], [0.0, 0.0, 3.0], [4.0, math.inf, 0.0], [5.0, 0.0, 0.0]])
    association = torch.tensor([1, -1, 1, 2])
    for found in (chosen_price(price.to_sparse_csr(), association), chosen_price(price, association)[:3]):
        assert found[0] == 2.0
        assert found[1:].isnan().sum() == len(found) - 1
    assert chosen_price(price.to_sparse_csr(), torch.tensor([0, 2, 0, 0])).tolist() == [1.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize("form", FORMS)
def test_a_file_is_overwritten_only_on_request(tmp_path, form):
    market, outcome = solved(1)
    path = tmp_path / f"solution{form}"
    path.write_text("precious")
    with pytest.raises(ValueError, match="exists already"):
        write_solution(path, outcome, market.raw_data, maps=MAPS, stations=STATIONS)
    assert path.read_text() == "precious"
    write_solution(path, outcome, market.raw_data, maps=MAPS, stations=STATIONS, overwrite=True)
    assert len(table(path)["map"]) == 4
    with pytest.raises(ValueError, match="there is no folder"):
        write_solution(tmp_path / "none" / path.name, outcome, market.raw_data, maps=MAPS, stations=STATIONS)


def test_names_that_do_not_fit(tmp_path):
    market, outcome = solved(2)
    for names, words in (
        ({"maps": MAPS, "stations": STATIONS}, "1 snapshots and 4 mAPs"),
        ({"maps": MAPS[:3], "stations": STATIONS, "snapshots": ("0", "1")}, "2 snapshots and 3 mAPs"),
        ({"maps": MAPS, "stations": STATIONS[:1], "snapshots": ("0", "1")}, r"price: .*\[2, 4, 2\].*\[2, 4, 1\]"),
    ):
        with pytest.raises(ValueError, match=words):
            write_solution(tmp_path / "solution.csv", outcome, market.raw_data, **names)
    assert os.listdir(tmp_path) == []


def test_a_failure_in_the_middle_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "BATCH_ROWS", 5)
    market, outcome = solved()

    def stop(done: int, total: int) -> None:
        if done > 5:
            raise KeyboardInterrupt

    for form in FORMS:
        with pytest.raises(BaseException, match=r"Interrupt|^$"):
            write_solution(
                tmp_path / f"solution{form}", outcome, market.raw_data, maps=MAPS, stations=STATIONS,
                snapshots=("0", "1", "2"), each=stop,
            )  # fmt: skip
        assert os.listdir(tmp_path) == []
