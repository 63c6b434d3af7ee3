"""What followed, on the real data, with what chance alone would do: `python -m benchmarks.outcomes [PART ...]`.

The sentences of the posts that say something about the outcome and give no rule (docs/claims.md): the return after each label (B1, C7a),
how solid a rise is (A9), whether cleared shorts or shorts above lift the price (A5 against B4), what of a strategy's positions survives
a gap (C6), and how it went in each crisis (C7g). Parts: labels, regimes, clean, gaps, crises. Returns are from the next bar's open on,
before costs; intervals are the middle 95 % of resampled histories (bootstrap.py). Many are printed: of twenty, one misses by chance.
"""

import sys
from functools import cache, partial

import numpy as np

import backtester as bt
from backtester.engine.bind import bind
from backtester.engine.find import reasons_of
from backtester.engine.params import params_of
from backtester.engine.run import run_recorded
from backtester.engine.venue import terms_of, venue_of
from backtester.errors import UserError
from backtester.features.flow import spot_share
from backtester.features.labels import Label
from backtester.features.regime import Regime
from backtester.market.stress import gap
from backtester.results.tables import tables
from benchmarks.bootstrap import interval, mean_where, slopes
from benchmarks.market_facts import DAY, FLOW, HOUR, LONG, STRATEGIES, Fact, legs_of, told
from strategies.spot_bull import SpotBull

WEEK = 7 * DAY
CRISES = ("crisis_2020_03", "crisis_2021_05", "crisis_2022_06", "crisis_2022_11", "crisis_2024_08")
HOURLY = {"cvd": None, "leave_flow": None, "chase_stretched": None}  # what conf/experiment/crises.yaml does not ask of hourly bars
POSITIONS = 4  # of each strategy that a gap hits, evenly over time


class RallyWatch(SpotBull):
    """Document A's strategy with the numbers behind its verdict in its trace."""

    class Trace:
        label: Regime
        clean: float
        fuel_up: float
        cvd: float
        share: float

    def trace(ctx, s, p, row):
        rally = ctx.seen.rally
        row.label = s.carried.label
        row.clean = rally.clean.clean
        row.fuel_up = rally.fuel.up_share
        row.cvd = rally.flow.cvd
        row.share = spot_share(rally.flow, rally.perp_flow)


@cache
def market_of(name: str):
    """A data set, read once."""
    return bt.load(name)


@cache
def hours_of(name: str, **params) -> dict[str, np.ndarray]:
    """The trace of RallyWatch at full hours, with the perp's opens from then on."""
    market = market_of(name)
    trace = bt.run(market, RallyWatch, **params).tables["trace"]
    full = trace["ts"] % HOUR == 0
    out = {column: values[full] for column, values in trace.items()}
    return out | {"open": opens(market, out["ts"])}


def opens(market, moments: np.ndarray) -> np.ndarray:
    """The perp's open at each moment (ns); NaN where no bar opens there."""
    bars = market.tables["perp_bars", 1]
    at = np.searchsorted(bars["ts_event"], moments)
    there = np.minimum(at, len(bars) - 1)
    return np.where(bars["ts_event"][there] == moments, bars["open"][there], np.nan)


def return_bp(market, moments: np.ndarray, ahead: int) -> np.ndarray:
    """Log return of the perp from each moment on, over `ahead` ns, bp."""
    return 1e4 * np.log(opens(market, moments + ahead) / opens(market, moments))


# ---------------------------------------------------------------- after a label, in a regime


def labels() -> None:
    """B1: what follows a leg of each label, and what follows any hour."""
    market = market_of(LONG)
    found = legs_of(market, leg_k=4.0)
    earlier = {
        ("SHORTS_IN", 24): "+79 [+10, +150]", ("LONGS_FLUSHED", 24): "+84 [+23, +148]",
        ("LONGS_IN", 1): "-17 [-33, 0]", ("any hour", 24): "about +20",
    }  # fmt: skip
    every = np.arange(market.start + HOUR, market.end, HOUR)
    cases = {"any hour": every} | {label.name: found["ts"][found["label"] == label] for label in Label if label}
    facts = []
    for name, moments in cases.items():
        for hours in (1, 24):
            rows = weekly(moments, return_bp(market, moments, hours * HOUR))
            what = f"{name}, {hours} h, {int(rows[:, 1].sum()):,} cases"
            facts.append(Fact(what, f"{interval(rows, mean_where, 1.0)} bp", earlier.get((name, hours), "")))
    told(f"return after a confirmed leg of 40 bp and k = 4, by its label, weeks resampled, {LONG}", facts)


def weekly(moments: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(sum, count) of the known values in each week, weeks without any included."""
    known = np.isfinite(values)
    week = (moments - moments.min()) // WEEK
    return np.column_stack([np.bincount(week, np.where(known, values, 0.0)), np.bincount(week, known)])


def regimes() -> None:
    """C7a, A9: the day after an hour of each regime, spot's part in it, and how deep the price fell within days."""
    market = market_of(FLOW)
    for takers, least in (("ratio", 0.6), ("excess", 0.5)):
        hours = hours_of(FLOW, takers=takers, min_score=least)
        after, facts = return_bp(market, hours["ts"], DAY), []
        for label in (Regime.SPOT_BULL, Regime.LEVERAGE_BULL, Regime.SHORT_COVER, Regime.MIXED):
            here = hours["label"] == label
            facts.append(Fact(f"{label.name}, {here.sum():,} hours: return of the next 24 h", f"{of_hours(here, after)} bp"))
            facts.append(Fact(f"{label.name}: spot's part of the takers' nets", f"{of_hours(here, 100.0 * hours['share'])} %"))
        for days in (3, 7):
            fall = 1e4 * deepest(np.log(hours["open"]), days * 24)
            spot, leverage = (hours["label"] == label for label in (Regime.SPOT_BULL, Regime.LEVERAGE_BULL))
            rows = np.column_stack([*counted(spot, fall), *counted(leverage, fall)])
            facts.append(Fact(f"fall within {days} days, SPOT_BULL minus LEVERAGE_BULL", f"{interval(rows, difference, 24.0 * days)} bp"))
        told(f"regimes by {takers}, score {least}, hours of {FLOW} resampled in blocks of a day (falls: of their horizon)", facts)


def counted(here: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What `mean_where` takes, of the hours that are meant and known."""
    asked = here & np.isfinite(values)
    return np.where(asked, values, 0.0), asked.astype(float)


def of_hours(here: np.ndarray, values: np.ndarray):
    """The mean over some hours, by stationary blocks of a day (C7a)."""
    return interval(np.column_stack(counted(here, values)), mean_where, 24.0)


def difference(rows: np.ndarray) -> float:
    """Of rows (sum, count, sum, count): the first mean minus the second."""
    return mean_where(rows[:, :2]) - mean_where(rows[:, 2:])


def deepest(log_price: np.ndarray, hours: int) -> np.ndarray:
    """Largest fall below an earlier price within so many hours from each, log; NaN where the horizon is not over or has a hole."""
    windows = np.lib.stride_tricks.sliding_window_view(log_price, hours + 1)
    falls = (np.maximum.accumulate(windows, axis=1) - windows).max(axis=1)
    return np.append(falls, np.full(hours, np.nan))


def clean() -> None:
    """A5 against B4 (D18): the next day's return on how clean the market is and on the shorts above, both at once."""
    for name in (LONG, FLOW):
        hours = hours_of(name)
        rows = np.column_stack([return_bp(market_of(name), hours["ts"], DAY), hours["clean"], hours["fuel_up"]])
        rows = rows[np.isfinite(rows).all(axis=1)]
        found = [interval(rows, partial(slopes, column=n), 168.0) for n in range(2)]
        facts = [Fact(what, f"{each} bp") for what, each in zip(("clean score", "shorts above"), found, strict=True)]
        told(f"return of the next 24 h for one standard deviation more, {len(rows):,} hours of {name}, blocks of a week", facts)


# ---------------------------------------------------------------- what survives


def gaps() -> None:
    """C6: positions of each strategy, and a gap of all prices against them in the middle of their time."""
    cases = [(size, leverage) for size in (0.05, 0.10) for leverage in (3.0, 20.0)]
    print(f"\n### A gap of all prices against {POSITIONS} positions of each strategy, isolated, {FLOW}: liquidated; equity, worst\n")
    print(f"| | {' | '.join(f'{100 * size:.0f} %, {leverage:.0f}x' for size, leverage in cases)} |\n|---|{'---|' * len(cases)}")
    for strategy in (each for each in STRATEGIES if each != "buy_and_hold"):
        try:
            print(f"| `{strategy}` | {' | '.join(survived(strategy, *case) for case in cases)} |", flush=True)
        except UserError as refused:
            print(f"| `{strategy}` | left out: {str(refused).splitlines()[0]} |", flush=True)


def survived(strategy: str, size: float, leverage: float) -> str:
    """One cell of that table."""
    market, venue = market_of(FLOW), {"leverage": leverage, "margin": "isolated"}
    positions = [trade for trade in trades_of(market, strategy, venue) if trade["exit_ts"] - trade["entry_ts"] > HOUR // 4]
    chosen = positions[:: max(1, len(positions) // POSITIONS)][:POSITIONS]
    hit = [after_gap(market, strategy, venue, trade, size) for trade in chosen]
    if not hit:
        return "no position"
    dead, earned = (np.array(column) for column in zip(*hit, strict=True))
    return f"{dead.sum()} of {len(dead)}; {earned.mean():+.1f}, {earned.min():+.1f} %"


def after_gap(market, strategy: str, venue: dict, trade: dict, size: float) -> tuple[bool, float]:
    """Whether that position ends by liquidation, and what all that was opened with it comes to, in percent of the first equity."""
    fives = (trade["entry_ts"] + trade["exit_ts"]) // 2 // (HOUR // 12)
    against = -size if trade["side"] == "long" else size
    after = trades_of(gap(market, int(fives * (HOUR // 12)), against), strategy, venue)
    same = [each for each in after if each["entry_ts"] == trade["entry_ts"]]
    return any(each["exit_reason"] in ("liquidation", "bankrupt") for each in same), sum(each["pnl"] for each in same) / 1000.0


def trades_of(market, strategy: str, venue: dict) -> list[dict]:
    """The round trips of one run with its defaults, without the runs beside it that try its assumptions."""
    cls = bt.strategy_class(strategy)
    _, log = run_recorded(bind(cls, market.roles), market, params_of(cls, {}), terms_of(venue_of(venue), market))
    table = tables(log, market, reasons_of(cls))["trades"]
    return [{name: column[n] for name, column in table.items()} for n in range(len(table["entry_ts"]))]


def crises() -> None:
    """C7g: each strategy through each crisis: its result, its deepest loss, liquidations, beside holding the perp."""
    print(f"\n### Crises: return, deepest fall of equity (trades)\n\n| | {' | '.join(CRISES)} |\n|---|{'---|' * len(CRISES)}")
    for strategy in STRATEGIES:
        given = {"spot_bull": HOURLY, "buy_and_hold": {"role": "perp"}}.get(strategy, {})
        print(f"| `{strategy}` | {' | '.join(through(strategy, name, given) for name in CRISES)} |", flush=True)


def through(strategy: str, name: str, given: dict) -> str:
    """One cell of that table."""
    try:
        metrics = bt.run(market_of(name), strategy, **given).metrics
    except UserError as refused:
        return f"refused: {str(refused).splitlines()[0][:60]}"
    ended = f", {metrics['liquidations']} liquidated" if metrics["liquidations"] else ""
    blocked = f", {metrics['blocked']:,} blocked" if metrics["blocked"] and not metrics["trades"] else ""
    return f"{100 * metrics['total_return']:+.1f} %, {100 * metrics['max_drawdown']:.1f} % ({metrics['trades']}{ended}{blocked})"


PARTS = {each.__name__: each for each in (labels, regimes, clean, gaps, crises)}


def main() -> None:
    """Measure the parts that the command line names, or all."""
    names = sys.argv[1:] or list(PARTS)
    if unknown := set(names) - set(PARTS):
        sys.exit(f"no part {', '.join(sorted(unknown))} (parts are {', '.join(PARTS)})")
    for name in names:
        try:
            PARTS[name]()
        except UserError as missing:
            print(f"{name}: left out: {missing}")


if __name__ == "__main__":
    main()
