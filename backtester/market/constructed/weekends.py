"""Weekends (G6): quiet ones after which Monday jumps, among ordinary ones, by the weekend of one of three calendars."""

from datetime import UTC, date, datetime, timedelta

import numpy as np

from backtester.errors import UserError
from backtester.market.assets import BTC
from backtester.market.constructed.told import SHIFT_MIN, Drawn, rows_between
from backtester.market.episodes import Episode, Leg
from backtester.market.invented import records, stories
from backtester.market.paths import on_clock, paths
from backtester.market.times import instant

CALENDARS = ("Asia/Shanghai", "UTC", "CME")
MONDAY = datetime(2024, 12, 30, tzinfo=UTC)  # the first; Chicago's clocks change on 9 March
WEEKS = 26
HISTORY = 8     # weekends before the first that can be judged
QUANTILE = 0.3  # compressed: not above this quantile of the weekends before; planted so often that it tells the two apart
MONDAY_MIN = 720
LEVEL = 95_000.0


def weekends(rng, tz="Asia/Shanghai") -> Drawn:
    """26 weekends by the calendar `tz` (Asia/Shanghai, UTC or CME); after a compressed one Monday jumps out of its range."""
    if tz not in CALENDARS:
        raise UserError(f"tz: {tz!r} is no calendar of weekends: there are {', '.join(CALENDARS)}")
    spans = [span(tz, (MONDAY + timedelta(weeks=n, days=5)).date()) for n in range(WEEKS + 1)]
    weeks = [week(rng, n, spans[n], spans[n + 1][0]) for n in range(WEEKS)]
    first, last = (int((moment - MONDAY).total_seconds()) // 60 for moment in (spans[0][0], spans[WEEKS][0]))
    k = on_clock(weeks, [first, *[0] * (WEEKS - 1), -last % SHIFT_MIN], start=int(MONDAY.timestamp()) * 10**9)
    tables = records(rng, k, paths(rng, k))
    return Drawn(tables, [weekend_truth(entry, tz, tables["perp_bars", BTC.perp]) for entry in stories(k)])


def span(tz: str, saturday: date) -> tuple[datetime, datetime]:
    """When a weekend begins and ends: two civil days; the CME closes from Friday 16:00 to Sunday 17:00 in Chicago."""
    midnight = datetime(saturday.year, saturday.month, saturday.day, tzinfo=UTC)
    if tz != "CME":
        begin = midnight - timedelta(hours=8 if tz == "Asia/Shanghai" else 0)
        return begin, begin + timedelta(days=2)
    friday, sunday = saturday - timedelta(days=1), saturday + timedelta(days=1)
    return midnight - timedelta(hours=8 - behind(friday)), midnight + timedelta(hours=41 + behind(sunday))


def behind(day: date) -> int:
    """Hours by which Chicago is behind UTC in the afternoon of a day: summer time from March's second Sunday to November's first."""
    def sunday(month: int, number: int) -> date:
        first = date(day.year, month, 1)
        return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (number - 1))

    return 5 if sunday(3, 2) <= day < sunday(11, 1) else 6


def is_planted(n: int) -> bool:
    """Whether the weekend number n is compressed: so that their share among those before it lies just above the quantile."""
    return n == 0 or int(QUANTILE * n) > int(QUANTILE * (n - 1))


def week(rng, n: int, weekend: tuple[datetime, datetime], following: datetime) -> Episode:
    """A weekend, the twelve hours after it, and the days until the next one, which lead back to the level."""
    quiet = is_planted(n)
    minutes = int((weekend[1] - weekend[0]).total_seconds()) // 60
    rest = int((following - weekend[1]).total_seconds()) // 60 - MONDAY_MIN
    drift_bp = rng.uniform(-5, 5) if quiet else rng.uniform(-30, 30)
    jump_bp = float(rng.choice([-1, 1])) * (rng.uniform(250, 320) if quiet else rng.uniform(0, 40))
    legs = (
        Leg("WEEKEND", minutes, drift_bp, activity=0.4 if quiet else 0.7, noise=0.35 if quiet else rng.uniform(0.9, 1.1), role="weekend"),
        Leg("MONDAY", MONDAY_MIN, jump_bp, activity=2.0 if quiet else 1.0, noise=1.1 if quiet else 0.9, role="monday"),
        Leg("WEEK", rest, -drift_bp - jump_bp, role="week"),
    )
    return Episode("weekend", legs, {"compressed": quiet, "judged": n >= HISTORY}, LEVEL)


def weekend_truth(entry: dict, tz: str, bars: np.ndarray) -> dict:
    """What is to be found about one weekend."""
    weekend, monday, _ = entry["legs"]
    held = rows_between(bars, instant(weekend["start"], "truth"), instant(weekend["end"], "truth"))
    side = ("up" if monday["move_bp"] > 0 else "down") if entry["compressed"] else None
    return {
        "kind": "weekend", "start": weekend["start"], "end": weekend["end"], "tz": tz, "compressed": entry["compressed"],
        "judged": entry["judged"], "high": float(held["high"].max()), "low": float(held["low"].min()), "breaks": side,
        "monday_end": monday["end"], "monday_bp": monday["move_bp"],
    }
