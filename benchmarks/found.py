"""The stories planted in the sample against those that the features find: precision and recall.

A planted leg is found where a confirmed leg of the same direction covers at least half of it and
carries its label; a label is right where it stands on such a leg. A planted third door is found where it is
confirmed as the setup of `door`; a spot-led rally where every gate of `spot_led` opens inside it.
"""

from datetime import datetime

import numpy as np

import backtester as bt
from backtester.checkout import ROOT
from backtester.features.labels import Label
from strategies.door import Door
from strategies.spot_led import SpotLed, is_spot_led, lacks_input

LITERAL = {  # the documents' thresholds; planted are 4.5-7.5 bp
    "premium_unit": "bp", "premium_delta_bp": 2.0, "premium_eps_bp": 0.8, "anchor_bp": 150.0, "anchor_max_min": 180.0,
    "retrace_lo": 0.35, "retrace_hi": 1.5,
}
LEGS = ("door", "divergence")  # episodes whose legs the leg features are meant to find


class DoorWatch(Door):
    """The door strategy with all that it sees in its trace."""

    class Trace:
        turned: bool
        label: Label
        direction: float
        start: int
        end: int
        doors: int
        size_bp: float
        premium_bp: float  # its change
        oi: float          # its change, fraction
        anchor: int        # when the last one was reached, ns

    def trace(ctx, s, p, row):
        legs = ctx.seen.divergence.legs
        row.turned = legs.turned
        row.label = ctx.seen.divergence.done
        row.direction = legs.done.direction
        row.end = legs.start.ts
        row.start = row.end - int(legs.done.minutes * 60.0) * 1_000_000_000 if legs.turned else 0
        row.doors = ctx.seen.doors.count
        row.size_bp = legs.done.size_bp
        row.premium_bp = legs.done.premium_change
        row.oi = legs.done.oi_change
        row.anchor = ctx.seen.doors.anchor.ts


class SpotLedWatch(SpotLed):
    """The spot-led strategy with its gates in its trace."""

    class Trace:
        known: bool
        open: bool
        rise: float
        oi_day: float
        flow: float
        excess: float

    def trace(ctx, s, p, row):
        row.known = not lacks_input(ctx.seen)
        row.open = row.known and is_spot_led(ctx, p)
        row.rise = ctx.seen.flow.rise
        row.oi_day = ctx.seen.open_interest.change_day
        row.flow = ctx.seen.flow.cvd
        row.excess = ctx.seen.flow.excess


def moment(text: str) -> int:
    """ISO text to ns."""
    return int(datetime.fromisoformat(text).timestamp()) * 10**9


def planted(kind: str | None = None) -> list[dict]:
    """The episodes of the sample's truth."""
    import json

    episodes = json.loads((ROOT / "data" / "sample" / "truth.json").read_text(encoding="utf-8"))
    return [episode for episode in episodes if kind in (None, episode["kind"])]


def planted_legs() -> list[tuple[int, int, float, str]]:
    """(start, end, direction, label) of every planted leg."""
    legs = [leg for kind in LEGS for episode in planted(kind) for leg in episode["legs"]]
    return [(moment(leg["start"]), moment(leg["end"]), float(np.sign(leg["move_bp"])), leg["label"]) for leg in legs]


def found_legs(market, **params) -> list[tuple[int, int, float, str, int]]:
    """(start, end, direction, label, doors counted with it) of every confirmed leg."""
    trace = bt.run(market, DoorWatch, **params).tables["trace"]
    turned = [{name: column[row] for name, column in trace.items()} for row in np.flatnonzero(trace["turned"])]
    return [(int(t["start"]), int(t["end"]), float(t["direction"]), Label(int(t["label"])).name, int(t["doors"])) for t in turned]


def covers(found: tuple, leg: tuple) -> bool:
    """Same direction, and at least half of the planted leg."""
    return found[2] == leg[2] and min(found[1], leg[1]) - max(found[0], leg[0]) >= 0.5 * (leg[1] - leg[0])


def label_scores(market, **params) -> dict[str, tuple[int, int, int, int]]:
    """Label -> (planted, of these found, found, of these planted)."""
    truth, legs = planted_legs(), found_legs(market, **params)
    scores = {}
    for label in sorted({leg[3] for leg in truth}):
        mine, theirs = [leg for leg in truth if leg[3] == label], [leg for leg in legs if leg[3] == label]
        recalled = sum(any(covers(found, leg) for found in theirs) for leg in mine)
        right = sum(any(covers(found, leg) for leg in mine) for found in theirs)
        scores[label] = (len(mine), recalled, len(theirs), right)
    return scores


def inside(moments: np.ndarray, episodes: list[dict], later_h: float) -> tuple[int, int]:
    """(episodes with a moment inside or up to `later_h` hours after, moments inside such an episode)."""
    spans = [(moment(e["start"]), moment(e["end"]) + int(later_h * 3600) * 10**9) for e in episodes]
    hit = sum(any(lo <= ts <= hi for ts in moments) for lo, hi in spans)
    return hit, sum(any(lo <= ts <= hi for lo, hi in spans) for ts in moments)


def door_scores(market, **params) -> tuple[int, int, int, int]:
    """The same of door setups: the third door, or a later drop of the same game, confirmed as SHORTS_IN."""
    thirds = [leg for episode in planted("door") for leg in episode["legs"] if leg["role"] == "door 3"]
    truth = [(moment(leg["start"]), moment(leg["end"]), -1.0) for leg in thirds]
    calls = [leg for leg in found_legs(market, **params) if leg[4] >= 3 and leg[4] % 2 == 1 and leg[3] == "SHORTS_IN"]
    hit = sum(any(covers(call, leg) for call in calls) for leg in truth)
    return len(truth), hit, len(calls), sum(any(covers(call, leg) for leg in truth) for call in calls)


def rally_scores(market, **params) -> tuple[int, int, int, int]:
    """The same of spot-led rallies: (planted, of these found, openings of all gates on different days, of these planted)."""
    trace = bt.run(market, SpotLedWatch, **params).tables["trace"]
    moments = trace["ts"][np.asarray(trace["open"], bool)]
    days = np.unique(moments // (86_400 * 10**9)) * (86_400 * 10**9) + 43_200 * 10**9
    episodes = planted("spot_led")
    hit, _ = inside(moments, episodes, 24.0)
    _, right = inside(days, episodes, 24.0)
    return len(episodes), hit, len(days), right


def line(name: str, scores: tuple[int, int, int, int]) -> str:
    """One row of the table."""
    planted_, recalled, found, right = scores
    precision = f"{right / found:.2f}" if found else "n/a"
    recall = f"planted {planted_:3d}, found {recalled:3d}: recall {f'{recalled / planted_:.2f}' if planted_ else 'n/a'}"
    return f"{name:16s} {recall}; called {found:3d}, right {right:3d}: precision {precision}"


def main() -> None:
    """Print precision and recall of every kind, with the literal thresholds and with the defaults."""
    market = bt.load("sample")
    for title, params in (("thresholds of the documents (2 bp, 0.8 bp)", LITERAL), ("defaults (1 u, 0.5 u)", {})):
        print(f"-- {title}")
        for label, scores in label_scores(market, **params).items():
            print(line(label, scores))
        print(line("third door", door_scores(market, **params)))
    print("-- spot_led defaults")
    print(line("spot-led rally", rally_scores(market)))


if __name__ == "__main__":
    main()
