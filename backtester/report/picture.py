"""Static pictures of a run for a paper or a post: any panels of its page under each other, as PNG, SVG or PDF."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backtester.errors import UserError
from backtester.report.axis import thin
from backtester.report.encode import Series
from backtester.report.marks import marks
from backtester.report.run_doc import panels_of, range_of
from backtester.report.story import Zone, zones
from backtester.report.view import RunView

USUAL = ("price", "equity", "drawdown")
INKS = {  # as the page's light style has them
    "spot": "#c58a1b", "perp": "#37424e", "premium": "#6d54a3", "strategy": "#1f5aa6", "hold": "#a0a5ab", "loss": "#b5513d",
    "oi": "#11777f", "funding": "#a8562a", "support": "#0e7f96", "door": "#7a4fd0", "long": "#12805c", "short": "#c2412d",
    "warm": "#d97706",
}
OTHERS = ("#1f5aa6", "#c2671b", "#12805c", "#8a3f8f", "#b5513d", "#2a8c9e", "#7d6b1d", "#5c5fb0", "#a8467a", "#5d6b76")  # c0 to c9
FEW = 300        # marks that are drawn one by one
MOST_DOORS = 40  # more of them would hide the price; then levels do too
KINDS = (".png", ".svg", ".pdf")


def draw_picture(view: RunView, path: str | Path, panels: Sequence[str] = USUAL, start: str | None = None, end: str | None = None) -> Path:
    """Draw panels of a run's page by their names into a file, its suffix says what kind; `start` and `end` in UTC. Returns its path.

    Raises UserError for a panel that the run does not have, and for another kind of file.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    path, known = Path(path), {panel["id"]: panel for panel in panels_of(view)}
    if path.suffix not in KINDS:
        raise UserError(f"{path}: a picture is one of {', '.join(KINDS)}")
    if missing := [name for name in panels if name not in known]:
        raise UserError(f"no panel {', '.join(missing)}: this run has {', '.join(known)}")
    chosen = [known[name] for name in panels]
    heights = [panel["height"] / 110 + 0.45 for panel in chosen]
    within = [np.datetime64(moment) if moment else None for moment in (start, end)]
    with mpl.rc_context({"svg.hashsalt": "backtester", "font.size": 9, "axes.spines.top": False, "axes.spines.left": False}):
        figure = Figure(figsize=(11, sum(heights)), layout="constrained")
        axes = figure.subplots(len(chosen), sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        for axis, panel in zip(axes, chosen, strict=True):
            draw_panel(axis, panel, view, within)
        axes[-1].set_xlabel("UTC")
        figure.savefig(path, dpi=160, metadata={"Date": None} if path.suffix == ".svg" else None)
    return path


def draw_panel(axis, panel: dict[str, Any], view: RunView, within: list) -> None:
    """One panel: its lines, in a price panel the doors and what was done."""
    axis.yaxis.tick_right()
    axis.grid(color="#f0ede7")
    axis.set_title(f"{panel['title']}, {panel['unit']}".rstrip(", "), loc="left", fontweight="bold")
    axis.yaxis.set_major_formatter("{x:,.10g}")
    doors = doors_within(view, within) if panel["id"] == "price" else []
    for series in panel["series"]:
        if not series.level or len(doors) <= MOST_DOORS:
            draw_series(axis, series, panel["zero"], within)
    if panel["zero"]:
        axis.axhline(0.0, color="#cfcbc2", linewidth=0.8)
    if "instruments" in panel:
        for zone in doors if len(doors) <= MOST_DOORS else ():
            draw_zone(axis, zone)
        draw_marks(axis, view, panel["instruments"], within)
    if len(panel["series"]) > 1:
        axis.legend(loc="lower right", bbox_to_anchor=(1.0, 0.98), frameon=False, ncols=8, fontsize=8)
    if any(moment is not None for moment in within):
        axis.set_xlim(*within)


def draw_series(axis, series: Series, zero: bool, within: list) -> None:
    """A line of at most a few thousand points, the smallest and the largest of each column among them."""
    ts, values = series.ts, np.asarray(series.values, float)
    a, b = (np.searchsorted(ts, moment.astype("M8[ns]").astype("i8")) if moment is not None else edge
            for moment, edge in zip(within, (0, len(ts)), strict=True))
    ts, values = thin(ts[max(0, a - 1) : b + 1], values[max(0, a - 1) : b + 1])
    ink, moments = ink_of(series.style), ts.astype("M8[ns]")
    if series.shape == "bars":
        axis.vlines(moments, 0.0, values, color=ink, linewidth=0.7, label=series.label)
        return
    style = "steps-post" if series.shape == "step" else "default"
    axis.plot(moments, values, color=ink, linewidth=1.4 if series.style == "strategy" else 0.9, drawstyle=style, label=series.label)
    if series.shape == "area" or (series.shape == "step" and zero):
        axis.fill_between(moments, values, 0.0, color=ink, alpha=0.12, step="post" if series.shape == "step" else None, linewidth=0)


def doors_within(view: RunView, within: list) -> list[Zone]:
    """The doors of a period."""
    start, end = within
    return [
        zone for zone in zones(view.trace, range_of(view))
        if (start is None or np.datetime64(zone.end, "ns") >= start) and (end is None or np.datetime64(zone.start, "ns") <= end)
    ]


def draw_zone(axis, zone: Zone) -> None:
    """A door and its number."""
    start, end = (np.datetime64(moment, "ns") for moment in (zone.start, zone.end))
    axis.fill_between([start, end], zone.low, zone.high, color=INKS["door"], alpha=0.14, linewidth=0)
    axis.annotate(str(zone.number), (start, zone.high), color=INKS["door"], fontsize=7, clip_on=True)


def draw_marks(axis, view: RunView, instruments: Sequence[str] | None, within: list) -> None:
    """Entries as triangles, exits as rings, where they are few enough."""
    start, end = within
    found = [
        mark for mark in marks(view.fills)
        if (instruments is None or mark.instrument in instruments)
        and (start is None or np.datetime64(mark.ts, "ns") >= start) and (end is None or np.datetime64(mark.ts, "ns") <= end)
    ]
    if len(found) > FEW:
        return
    for side, shape in (("long", "^"), ("short", "v")):
        for kind, face in (("entry", INKS[side]), ("exit", "white"), ("liquidation", "white")):
            mine = [(np.datetime64(mark.ts, "ns"), mark.value) for mark in found if (mark.side, mark.kind) == (side, kind)]
            if mine:
                how = {"marker": shape if kind == "entry" else "o", "s": 26 if kind != "liquidation" else 60, "zorder": 3}
                axis.scatter(*zip(*mine, strict=True), facecolor=face, edgecolor=INKS[side], linewidth=1.1, **how)


def ink_of(style: str) -> str:
    """The colour of a style of the page."""
    return INKS.get(style) or OTHERS[int(style[1:]) % 10]

