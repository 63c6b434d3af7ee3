"""What happened, and under which assumptions, in plain sentences: the same on the page and in the terminal."""

import re
from typing import Any

from backtester.report.axis import moment
from backtester.results.catalogue import figure

ADVICE = "Research, not advice: one past, one set of assumptions, no promise."


def sentence(name: str, metrics: dict[str, Any], manifest: dict[str, Any], hold: dict[str, Any] | None) -> str:
    """What happened. hold: the metrics of buying and holding, its `role` among them; None where no market is at hand."""
    data = manifest.get("data") or {}
    days = period(data)
    told = f"{name} on {data.get('name', 'unnamed data')}{', ' + days + ',' if days else ''} "
    told += f"returned {figure('total_return', metrics.get('total_return'))} %"
    if hold:
        told += f" against {figure('total_return', hold['total_return'])} % for buying and holding the {hold['role']} from the same start"
    told += f": max drawdown {figure('max_drawdown', metrics.get('max_drawdown'))} %, {_counted(metrics.get('trades'))}, "
    told += f"{figure('fees', metrics.get('fees'))} paid in fees, {_funding(metrics.get('funding'))}."
    if metrics.get("ended") == "bankrupt":
        told += " The account went bankrupt and the run ended there."
    return told


def outcomes(metrics: dict[str, Any]) -> str:
    """What each of several runs returned, the best first. metrics: a run's name -> its total return, a fraction."""
    known = {name: value for name, value in metrics.items() if value is not None}
    ranked = sorted(known, key=lambda name: -known[name])
    return ", ".join(f"{name} returned {figure('total_return', known[name])} %" for name in ranked) + "." if known else ""


def period(data: dict[str, Any]) -> str:
    """From the first to the last day of the traded bars in a manifest's `data`; empty where it names none."""
    spans = [span for stream, span in (data.get("streams") or {}).items() if stream.startswith(("spot_bars/", "perp_bars/"))]
    return f"{min(first for first, _ in spans)[:10]} to {max(last for _, last in spans)[:10]}" if spans else ""


def assumptions(manifest: dict[str, Any]) -> list[tuple[str, bool]]:
    """Every assumption in force, as the manifest keeps them, and whether it is a fallback."""
    return [(text, "FALLBACK" in text) for text in manifest.get("assumptions") or []]


def when(ts: int) -> str:
    """A moment in ns as text, to the minute, UTC."""
    return f"{moment(ts):%Y-%m-%d %H:%M}"


def held(ns: int) -> str:
    """A duration in its two largest units."""
    minutes = int(ns) // 60_000_000_000
    days, hours, minutes = minutes // 1_440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def price(value: float) -> str:
    """A price with as many digits as its size needs."""
    return f"{value:,.2f}" if abs(value) >= 10 else f"{value:,.5g}"


def setting(value: Any) -> str:
    """A parameter's value; one that is switched off says so."""
    if str(value) in {"None", "nan"}:
        return "off"
    return f"{value:,.6g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


def minus(text: str) -> str:
    """The text with true minus signs before its numbers; dates and names stay as they are."""
    return re.sub(r"(?<![\w-])-(?=[\d.])", "\N{MINUS SIGN}", text)


def _counted(trades: float | None) -> str:
    return f"{figure('trades', trades)} trade{'' if trades == 1 else 's'}"


def _funding(paid: float | None) -> str:
    if paid is not None and paid < 0:
        return f"{figure('funding', -paid)} received in funding"
    return f"{figure('funding', paid)} paid in funding"
