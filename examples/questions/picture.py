"""Saves what an example draws, as --out says."""

import argparse

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot


def save(draw, text):
    """Draw on axes of one column's width and save under the name that `--out` gives; none: draw nothing."""
    options = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", help="picture: .svg, .png or .pdf")
    out = options.parse_args().out
    if out is None:
        return
    with matplotlib.rc_context({"svg.hashsalt": "twinoffload", "axes.spines.top": False, "axes.spines.right": False}):
        figure, axes = pyplot.subplots(figsize=(5.2, 3.2), layout="constrained")
        draw(axes)
        axes.grid(axis="y", linewidth=0.4)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False)
        figure.savefig(out, metadata={"Date": None} if out.endswith(".svg") else None, dpi=110)
