"""Synthetic cities: mAPs and BSs scattered over a square, and the nearest BSs of each mAP in linear time and memory."""

import math
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from twinoffload.compiling import compiled
from twinoffload.network.path_loss import PowerLaw
from twinoffload.seeding import integer, stream


@dataclass(frozen=True, eq=False)
class City:
    """Where everybody is; both kinds are numbered row by row of a grid of cells, so that neighbours have near numbers.

    Attributes:
        side_m: side of the square.
        maps: positions of mAPs in m, float64 `[N, 2]`.
        stations: positions of BSs in m, float64 `[M, 2]`.
    """

    side_m: float
    maps: Tensor
    stations: Tensor


def scatter(maps: int, stations: int, side_m: float, seed: int = 0) -> City:
    """A city with N mAPs and M BSs independent and uniform in a square.

    Raises:
        ValueError: a number out of bounds, named.
    """
    for name, value in (("maps", maps), ("stations", stations)):
        integer(name, value, 1)
    if not 0 < side_m < math.inf:
        raise ValueError(f"side_m = {side_m!r}: must be finite and above 0")
    across = max(1, math.isqrt(stations))
    generator = stream(seed, "city")
    places = (torch.rand(count, 2, dtype=torch.float64, generator=generator) * side_m for count in (maps, stations))
    return City(side_m, *(place[_cells(place, side_m, across).argsort(stable=True)] for place in places))


def nearest(city: City, k: int) -> tuple[Tensor, Tensor]:
    """The k nearest BSs of each mAP, by a grid of cells with about one BS each.

    Returns:
        BS indices in ascending order, int64 `[N, k]`, and horizontal distances in m, `[N, k]`.

    Raises:
        ValueError: k is not in 1..M.
    """
    k = integer("k", k, 1, len(city.stations), ", the number of BSs")
    across = max(1, math.isqrt(len(city.stations)))
    cell = _cells(city.stations, city.side_m, across)
    order = cell.argsort(stable=True)
    offset = torch.zeros(across**2 + 1, dtype=torch.int64)
    offset[1:] = torch.bincount(cell, minlength=across**2).cumsum(0)
    maps, stations = city.maps.contiguous().numpy(), city.stations.contiguous().numpy()
    station, distance = _nearest(maps, stations, order.numpy(), offset.numpy(), city.side_m / across, across, k)
    return torch.from_numpy(station), torch.from_numpy(distance)


def gain(city: City, k: int, path_loss: PowerLaw, height_m: float) -> Tensor:
    """Channel power gain of each mAP at its k nearest BSs, which are its k strongest: sparse CSR `[N, M]`.

    Raises:
        ValueError: k is not in 1..M.
    """
    station, flat = nearest(city, k)
    maps = len(station)
    values = path_loss.gain(flat.square_().add_(height_m**2).sqrt_()).flatten()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # "in beta state"
        return torch.sparse_csr_tensor(
            torch.arange(0, maps * k + 1, k), station.flatten(), values, (maps, len(city.stations))
        )


def _cells(positions: Tensor, side_m: float, across: int) -> Tensor:
    """The cell of each position, numbered row by row, int64."""
    index = (positions * (across / side_m)).long().clamp(0, across - 1)
    return index[:, 1] * across + index[:, 0]


@compiled
def _nearest(maps, stations, order, offset, cell_m, across, k):
    """Rings of cells around each mAP's own, until the k-th distance is within what has been searched."""
    count = len(maps)
    found = np.empty((count, k), np.int64)
    distance = np.empty((count, k))
    for n in range(count):
        x, y = maps[n, 0], maps[n, 1]
        column = min(max(int(x / cell_m), 0), across - 1)
        row = min(max(int(y / cell_m), 0), across - 1)
        far, who = distance[n], found[n]
        far[:] = np.inf
        for ring in range(across):
            for j in range(max(row - ring, 0), min(row + ring, across - 1) + 1):
                step = 1 if j in (row - ring, row + ring) else 2 * ring
                for i in range(column - ring, column + ring + 1, step):
                    if not 0 <= i < across:
                        continue
                    for place in range(offset[j * across + i], offset[j * across + i + 1]):
                        _insert(far, who, math.hypot(stations[order[place], 0] - x, stations[order[place], 1] - y),
                                order[place])  # fmt: skip
            edge = min(x - (column - ring) * cell_m, (column + ring + 1) * cell_m - x)
            edge = min(edge, y - (row - ring) * cell_m, (row + ring + 1) * cell_m - y)
            if far[k - 1] <= edge:
                break
        for last in range(1, k):  # by index
            i = last
            while i > 0 and who[i - 1] > who[i]:
                who[i - 1], who[i] = who[i], who[i - 1]
                far[i - 1], far[i] = far[i], far[i - 1]
                i -= 1
    return found, distance


@compiled
def _insert(far, who, distance, station):
    """Keep the nearest in ascending order of distance."""
    i = len(far) - 1
    if distance >= far[i]:
        return
    while i > 0 and far[i - 1] > distance:
        far[i], who[i] = far[i - 1], who[i - 1]
        i -= 1
    far[i], who[i] = distance, station
