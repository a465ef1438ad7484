"""The figures as a picture."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from attrs import frozen

from .bare_reads import Reader
from .results import Networked, Requests, Results
from .stores import StoreFigure

mpl.use("Agg")

from matplotlib import pyplot as plt

OURS, PEER, INK, FAINT = "#0f766e", "#b8c0cc", "#1f2937", "#6b7280"
WORLDS = ("ASGI", "WSGI")
AXIS = "microseconds added to one signed-in request, and how many times sessioncore's memory store (logarithmic)"
SERVERS_AXIS = "microseconds by the wall added to one signed-in request, and how many times sessioncore's (logarithmic)"


@frozen
class Bar:
    """Hold one bar."""

    name: str
    length: float
    times: float | None
    colour: str
    bold: bool = False


def draw(results: Results, folder: Path) -> None:
    """Draw one bar for each way of keeping sessions, the lightest first; as PNG and as SVG."""
    if results.requests:
        worlds = {world: _within(results.requests, world) for world in WORLDS}
        _picture(worlds, "What a session costs a request", AXIS, folder / "added-time", least=1)
    if results.stores:
        places = dict.fromkeys((figure.server, figure.world) for figure in results.stores.figures)
        bars = {
            f"{server}, {world}": _networked(results.stores, server, world)
            for server, world in sorted(places, reverse=True)
        }
        _picture(bars, "What a session on a server costs a request", SERVERS_AXIS, folder / "servers", least=10)


def _within(results: Requests, world: str) -> list[Bar]:
    shown = sorted((f for f in results.figures if f.world == world), key=lambda f: f.added, reverse=True)
    return [Bar(f"{f.name}  ({f.keeps})", f.added, f.times_ours, OURS if f.ours else PEER, bold=f.ours) for f in shown]


def _networked(results: Networked, server: str, world: str) -> list[Bar]:
    shown = [f for f in results.figures if (f.server, f.world) == (server, world)]
    bars = [
        Bar(_named(f), f.added, None if f.ours else f.times_ours, OURS if f.ours else PEER, bold=f.ours) for f in shown
    ]
    read = results.reads[Reader.key_of(world, server, "by the client")]
    return sorted([*bars, Bar("one bare read", read, None, INK)], key=lambda bar: bar.length, reverse=True)


def _named(figure: StoreFigure) -> str:
    _, _, how = figure.keeps.partition(", ")
    return f"{figure.name}  ({how})" if how else figure.name


def _picture(panels: dict[str, list[Bar]], title: str, axis: str, path: Path, *, least: float) -> None:
    mpl.rcParams.update(
        {"font.family": "sans-serif", "font.size": 11, "svg.hashsalt": "sessioncore", "svg.fonttype": "none"}
    )
    heights = [len(bars) for bars in panels.values()]
    figure, places = plt.subplots(
        len(panels),
        1,
        figsize=(9, 0.36 * sum(heights) + 0.75 * len(panels)),
        height_ratios=heights,
        sharex=True,
        layout="constrained",
    )
    longest = max(bar.length for bars in panels.values() for bar in bars)
    for panel, (name, bars) in zip(places, panels.items(), strict=True):
        panel.set_xlim(least, longest * 6)
        _panel(panel, name, bars)
    figure.supxlabel(axis, x=0.99, ha="right", fontsize=10, color=FAINT)
    figure.suptitle(title, x=0.01, ha="left", fontsize=15, fontweight="bold", color=INK)
    for ending in ("png", "svg"):
        metadata = {"Date": None} if ending == "svg" else None
        figure.savefig(path.with_suffix(f".{ending}"), dpi=144, facecolor="white", metadata=metadata)
    plt.close(figure)


def _labelled(bar: Bar) -> str:
    times = f"   {bar.times:.1f}x" if bar.times is not None and abs(bar.times - 1) > 0.001 else ""
    return f"{bar.length:.1f} µs{times}" if bar.length < 100 else f"{bar.length:.0f} µs{times}"


def _panel(panel: Any, name: str, bars: list[Bar]) -> None:
    lengths, colours = [bar.length for bar in bars], [bar.colour for bar in bars]
    drawn = panel.barh([bar.name for bar in bars], lengths, color=colours, height=0.72)
    panel.bar_label(drawn, labels=[_labelled(bar) for bar in bars], padding=6, color=INK, fontsize=10)
    panel.set_xscale("log")
    panel.set_title(name, loc="left", fontsize=11, fontweight="bold", color=FAINT)
    panel.tick_params(axis="y", length=0, labelcolor=INK)
    panel.tick_params(axis="x", which="both", length=0, colors=FAINT)
    panel.xaxis.set_major_formatter("{x:g}")
    panel.grid(axis="x", color="#e5e7eb", linewidth=0.8)
    panel.set_axisbelow(True)
    for side in ("top", "right", "left"):
        panel.spines[side].set_visible(False)
    panel.spines["bottom"].set_color("#d1d5db")
    for label, bar in zip(panel.get_yticklabels(), bars, strict=True):
        label.set_fontweight("bold" if bar.bold else "normal")
