"""How far a result rests on what is assumed about time and path, as rows and sentences: the same on the page and in the terminal."""

from math import isnan
from typing import Any

from backtester.results.catalogue import figure

MUCH = 0.2  # share of the winners' profit from their entry bars above which the reader is warned
HEADS = ("how the result moves", "total return, %", "difference, points", "trades", "liquidations")
IDLE = "The path inside a bar changes nothing."


def moves(metrics: dict[str, Any], manifest: dict[str, Any]) -> list[tuple[str, ...]]:
    """The run and its outcomes under the other rules, each as text in the order of HEADS; paths that change nothing are left out."""
    tried = manifest.get("sensitivity") or []
    venue = (manifest.get("config") or {}).get("venue") or {}
    own = {"what": f"this run: {venue.get('fills')}, {venue.get('path')}"}
    shown = [each for each in tried if not is_path(each) or not path_is_idle(metrics, manifest)]
    return [row(metrics, own | metrics, ""), *(row(metrics, each, change(metrics, each)) for each in shown)] if tried else []


def row(metrics: dict[str, Any], outcome: dict[str, Any], difference: str) -> tuple[str, ...]:
    """One outcome; where an order found no room there is none."""
    if outcome.get("no_room"):
        return (f"{outcome['what']}: lacked room", "n/a", "n/a", "n/a", "n/a")
    counts = (figure(name, outcome.get(name)) for name in ("trades", "liquidations"))
    return (outcome["what"], figure("total_return", outcome["total_return"]), difference, *counts)


def change(metrics: dict[str, Any], outcome: dict[str, Any]) -> str:
    """By how many percentage points the total return differs from the run's."""
    return figure("total_return", outcome["total_return"] - metrics["total_return"])


def is_path(outcome: dict[str, Any]) -> bool:
    """Whether another way of the price inside a bar was tried."""
    return outcome["what"].startswith("venue.path=")


def path_is_idle(metrics: dict[str, Any], manifest: dict[str, Any]) -> bool:
    """Whether every path leads to the run's own result."""
    paths = [each for each in manifest.get("sensitivity") or [] if is_path(each)]
    near = 1e-9 * metrics["initial_equity"]
    same = (all(each[name] == metrics[name] for name in ("trades", "liquidations", "no_room")) for each in paths)
    return bool(paths) and all(same) and all(abs(each["final_equity"] - metrics["final_equity"]) <= near for each in paths)


def entry_bars(metrics: dict[str, Any]) -> tuple[str, bool]:
    """What the winners owe to the bar in which they began, empty where nothing won, and whether that is much."""
    share = metrics.get("entry_bar_share")
    if share is None or isnan(share):
        return "", False
    told = f"{figure('entry_bar_share', share)} % of the winners' profit came from trades that ended in the bar in which they began"
    return (f"{told}: it rests on the path that is assumed inside a bar.", True) if share > MUCH else (f"{told}.", False)
