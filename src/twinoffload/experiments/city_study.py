"""One synthetic city under two concepts, as tables from which its map is drawn."""

import polars as pl
import torch
from torch import Tensor

from twinoffload.equilibrium.solve import solve
from twinoffload.scenario import Scenario

CONCEPTS = ("pairwise", "admission")


def city_tables(maps: int = 300, maps_per_station: float = 2.0, seed: int = 0) -> dict[str, pl.DataFrame]:
    """A city of the preset `city`, solved under `pairwise` and `admission`.

    Returns:
        `city-stations`: a row a BS; `city-maps`: a row a concept and mAP, with where it is, on which BS, what it sends
        and what it earns itself. Indices count from 0; station -1: off.
    """
    scenario = Scenario.load("city").replace(maps=maps, stations=max(1, round(maps / maps_per_station)))
    city, gain = scenario.sample_city(seed)
    parts = []
    for concept in CONCEPTS:
        outcome = solve(scenario.market(), gain, concept)
        parts.append(
            pl.DataFrame(
                {
                    "concept": [concept] * maps,
                    "map": list(range(maps)),
                    **_place("map", city.maps),
                    "station": outcome.association.numpy(),
                    "data_mb": outcome.data.numpy(),
                    "map_utility_money": outcome.map_utility.numpy(),
                    "operator_utility_money": [outcome.operator_utility.item()] * maps,
                    "bound_money": [outcome.bound.item()] * maps,
                }
            )
        )
    stations = pl.DataFrame({"station": list(range(scenario.stations)), **_place("station", city.stations)})
    return {"city-stations": stations, "city-maps": pl.concat(parts)}


def _place(name: str, positions: Tensor) -> dict[str, object]:
    x, y = positions.to(torch.float64).T.numpy()
    return {f"{name}_x_m": x, f"{name}_y_m": y}
