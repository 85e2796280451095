"""What goes into the graphs and comes out of them: names, axes and units."""

from dataclasses import dataclass

AXES = {"batch": "slots decided at once", "maps": "mAPs, N", "stations": "BSs, M"}


@dataclass(frozen=True)
class Port:
    """An input or output of a graph.

    Attributes:
        name: in the graph; of a parameter of the game, its name in `Market`.
        axes: of `AXES`, in order.
        unit: of its numbers; 1 for pure numbers.
        meaning: in words.
        dtype: NumPy's name of its type.
    """

    name: str
    axes: tuple[str, ...]
    unit: str
    meaning: str
    dtype: str = "float64"


_PAIRS = ("batch", "maps", "stations")
_MAPS = ("batch", "maps")
_STATIONS = ("batch", "stations")

PARAMETERS = (
    Port("power", _MAPS, "W", "transmit power of each mAP"),
    Port("cycles", _MAPS, "Gcycle/MB", "cycles per data of each mAP"),
    Port("accuracy_value", _MAPS, "money", "weight of accuracy of each mAP, gamma^A"),
    Port("delay_cost", _MAPS, "money/s", "weight of delay of each mAP, gamma^D"),
    Port("raw_data", _MAPS, "MB", "raw task size of each mAP, the most it can send"),
    Port("bandwidth", _STATIONS, "MHz", "bandwidth of each BS"),
    Port("noise", _STATIONS, "W", "noise power of each BS"),
    Port("compute", _STATIONS, "Gcycle/s", "computing capability of a core of each BS"),
    Port("quality", _STATIONS, "1", "model quality of each BS"),
    Port("accuracy_weight", _STATIONS, "1/MB", "accuracy weight of each BS, rho"),
)

PORTS = {
    port.name: port
    for port in (
        Port("gain", _PAIRS, "1", "channel power gain of each pair, linear"),
        Port("price", _PAIRS, "money/MB", "posted price of each pair"),
        Port("last_interference", _PAIRS, "W", "last slot's interference of each pair, the mAP's own signal excluded"),
        *PARAMETERS,
        Port("association", _MAPS, "1", "BS of each mAP, counted from 0; -1: on none", "int64"),
        Port("data", _MAPS, "MB", "data that each mAP sends there"),
    )
}
