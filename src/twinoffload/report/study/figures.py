"""The paper's figures in the report: what each shows, what its numbers say, and the picture itself, made small."""

import base64
import io
from pathlib import Path
from typing import NamedTuple

import polars as pl
from PIL import Image

from twinoffload.experiments.claims import commands
from twinoffload.experiments.paper_figures import AXES
from twinoffload.experiments.paper_figures import FIGURES as VARIED
from twinoffload.report.wording import number

OPERATOR, MAPS, REGRET = "operator_utility_money", "map_utility_money", "regret_money"
_COLORS = 40  # of a picture in the page: a third of the bytes, and lines and text still look the same
_CURVE = (
    "Median over seeds and its interval (band) in training, of exploring policies, for three learning rates of all "
    "networks; a dot in the median over seeds of the episodes in which they have settled. Level lines: what schemes "
    "earn in the base scenario on held-out channels. (b) The mAPs' regret."
)
_EFFECT = (
    "Medians over seeds and their intervals on held-out channels, the same for all schemes: SAC, TD3, DDPG and "
    "amortised are learned; pairwise is the paper's Stackelberg equilibrium, posted and admission are ours. Arrows: "
    "the interval goes on beyond the axis."
)
CAPTIONS = {
    "fig2": f"Fig. 2. (a) Average utility of mAPs against the training episode. {_CURVE}",
    "fig3": f"Fig. 3. (a) Utility of the operator against the training episode. {_CURVE}",
    "fig4": f"Fig. 4. Bandwidth of a BS: (a) operator, (b) mAPs, (c) the mAPs' regret. {_EFFECT}",
    "fig5": f"Fig. 5. Computing capability: (a) operator, (b) mAPs, (c) the mAPs' regret. {_EFFECT}",
    "fig6": f"Fig. 6. Number of mAPs (a to c) and of BSs (d to f): operator, mAPs, the mAPs' regret. {_EFFECT}",
    "fig7": f"Fig. 7. Weight of accuracy: (a) operator, (b) mAPs, (c) the mAPs' regret. {_EFFECT}",
}
_CURVES = {"fig2": MAPS, "fig3": OPERATOR}
_PARTS = ("median", "low", "high")
_TOLD = ("sac", "pairwise")


class Picture(NamedTuple):
    """A figure of the study.

    Attributes:
        name: "fig2" ... "fig7".
        caption: what is drawn.
        told: its main numbers, as sentences.
        command: that computes and draws it.
        drawn: whether it is there.
    """

    name: str
    caption: str
    told: list[str]
    command: str
    drawn: bool

    @property
    def title(self) -> str:
        """What is drawn, without how to read it."""
        return self.caption.partition(" Median")[0]


def picture(name: str, shown: pl.DataFrame | None) -> Picture:
    """A figure with its words; `shown` is what its CSV file says, None where it was not drawn.

    Raises:
        ValueError: the file lacks what it should say.
    """
    told: list[str] = []
    if shown is not None:
        try:
            told = _rates(name, shown) if name in _CURVES else _ends(name, shown)
        except (pl.exceptions.PolarsError, KeyError, TypeError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ValueError(
                f"{name}.csv: is not what it should be ({reason}); `{commands.FIGURE[name]}` writes it anew"
            ) from None
    return Picture(name, CAPTIONS[name], told, commands.FIGURE[name], shown is not None)


def embedded(path: Path) -> str:
    """A PNG file as the text of an `src` attribute: as lossless WebP with fewer colours.

    Raises:
        ValueError: it is damaged.
    """
    buffer = io.BytesIO()
    try:
        with Image.open(path) as image:
            few = image.convert("RGB").quantize(_COLORS, dither=Image.Dither.NONE)
    except OSError:
        raise ValueError(f"{path}: is no picture; `{commands.FIGURE[path.stem]}` draws it anew") from None
    few.convert("RGB").save(buffer, "WEBP", lossless=True, quality=100, method=6)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def _rates(name: str, shown: pl.DataFrame) -> list[str]:
    """Where the seeds of each learning rate settle, and where their median curve ends."""
    measure = _CURVES[name]
    told = []
    rows = shown.filter(pl.col("learning_rate").is_not_null())
    for part in rows.partition_by("learning_rate", maintain_order=True):
        last = part.row(-1, named=True)
        middle, low, high = (number(last[f"{measure}_{part}"], 2) for part in _PARTS)
        told.append(
            f"learning rate {last['learning_rate']:g}: {_settling(last, measure)}, ends at {middle} [{low}, {high}] "
            f"with regret {number(last[f'{REGRET}_median'], 2)}"
        )
    return [f"{rows['seeds'].max()} seeds, {rows['episode'].max()} episodes, money a slot: {'; '.join(told)}."]


def _settling(last: dict[str, float], measure: str) -> str:
    """Such as "10 of 10 seeds settle, the median in episode 51 [50, 55]"."""
    at, low, high = (last[f"{measure}_settled_{part}"] for part in _PARTS)
    count = f"{last[f'{measure}_settled_seeds']:g} of {last['seeds']} seeds settle"
    if at is None:
        return f"{count}, too few for a median"
    return f"{count}, the median in episode {at:g} [{low:g}, {'later' if high is None else f'{high:g}'}]"


def _ends(name: str, shown: pl.DataFrame) -> list[str]:
    """What the schemes that matter earn at both ends of each axis."""
    told = []
    for axis in (AXES[name] for name in VARIED[name]):
        here = shown.filter(pl.col("varied") == axis.column).sort("value")
        symbol, _, unit = axis.label.partition(", ")[2].partition(" ")
        for scheme in _TOLD:
            rows = here.filter(pl.col("scheme") == scheme)
            if len(rows) < 2:
                continue
            first, last = rows.row(0, named=True), rows.row(-1, named=True)
            where = f"{symbol} = {first['value']:g} to {last['value']:g} {unit.strip('()')}".strip()
            told.append(
                f"From {where}, {_SCHEMES.get(scheme, scheme)}: operator {_from_to(first, last, OPERATOR)}, mAPs "
                f"{_from_to(first, last, MAPS)}, regret {_from_to(first, last, REGRET)} money a slot "
                f"({first['seeds']} seeds, medians)."
            )
    return told


_SCHEMES = {"sac": "SAC", "pairwise": "`pairwise`"}


def _from_to(first: dict[str, float], last: dict[str, float], measure: str) -> str:
    return f"{number(first[f'{measure}_median'], 2)} → {number(last[f'{measure}_median'], 2)}"
