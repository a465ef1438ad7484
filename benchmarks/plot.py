"""The figures as a picture."""

from pathlib import Path
from typing import Any

import matplotlib as mpl

from .results import Figure, Results

mpl.use("Agg")

from matplotlib import pyplot as plt

OURS, PEER, INK, FAINT = "#0f766e", "#b8c0cc", "#1f2937", "#6b7280"
WORLDS = ("ASGI", "WSGI")
AXIS = "microseconds added to one signed-in request, and how many times sessioncore's memory store (logarithmic)"


def draw(results: Results, folder: Path) -> None:
    """Draw one bar for each way of keeping sessions, the lightest first; as PNG and as SVG."""
    shown = {world: _sorted(results, world) for world in WORLDS}
    mpl.rcParams.update(
        {"font.family": "sans-serif", "font.size": 11, "svg.hashsalt": "sessioncore", "svg.fonttype": "none"}
    )
    figure, panels = plt.subplots(
        2, 1, figsize=(9, 6.4), height_ratios=[len(bars) for bars in shown.values()], sharex=True, layout="constrained"
    )
    for panel, (world, bars) in zip(panels, shown.items(), strict=True):
        _panel(panel, world, bars)
    figure.supxlabel(AXIS, x=0.99, ha="right", fontsize=10, color=FAINT)
    figure.suptitle("What a session costs a request", x=0.01, ha="left", fontsize=15, fontweight="bold", color=INK)
    for ending in ("png", "svg"):
        metadata = {"Date": None} if ending == "svg" else None
        figure.savefig(folder / f"added-time.{ending}", dpi=144, facecolor="white", metadata=metadata)
    plt.close(figure)


def _sorted(results: Results, world: str) -> list[Figure]:
    return sorted((f for f in results.figures if f.world == world), key=lambda f: f.added, reverse=True)


def _panel(panel: Any, world: str, bars: list[Figure]) -> None:
    names = [f"{bar.name}  ({bar.keeps})" for bar in bars]
    colours = [OURS if bar.ours else PEER for bar in bars]
    drawn = panel.barh(names, [bar.added for bar in bars], color=colours, height=0.72)
    labels = [f"{bar.added:.1f} µs" + (f"   {bar.times_ours:.1f}x" if bar.times_ours > 1.001 else "") for bar in bars]
    panel.bar_label(drawn, labels=labels, padding=6, color=INK, fontsize=10)
    panel.set_xscale("log")
    panel.set_xlim(1, max(bar.added for bar in bars) * 4)
    panel.set_title(world, loc="left", fontsize=11, fontweight="bold", color=FAINT)
    panel.tick_params(axis="y", length=0, labelcolor=INK)
    panel.tick_params(axis="x", which="both", length=0, colors=FAINT)
    panel.xaxis.set_major_formatter("{x:g}")
    panel.grid(axis="x", color="#e5e7eb", linewidth=0.8)
    panel.set_axisbelow(True)
    for side in ("top", "right", "left"):
        panel.spines[side].set_visible(False)
    panel.spines["bottom"].set_color("#d1d5db")
    for label, bar in zip(panel.get_yticklabels(), bars, strict=True):
        label.set_fontweight("bold" if bar.ours else "normal")
