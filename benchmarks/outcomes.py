"""What followed, on the real data, and what of a position survives: `python -m benchmarks.outcomes [PART ...]`.

Beside `backtester claims`, which gives the verdicts: the return after each label of a leg (B1) next to an earlier measurement of the same,
whether cleared shorts or shorts above lift the price (A5 against B4: a regression on both), what of a strategy's positions survives
a gap (C6), and how each strategy went through each crisis (C7g). Parts: labels, clean, gaps, crises. Returns are from the next bar's open
on, before costs; intervals are the middle 95 % of resampled histories. Many are printed: of twenty, one misses by chance.
"""

from functools import cache

import numpy as np

import backtester as bt
from backtester.engine.bind import bind
from backtester.engine.find import demand_roles, find_strategy, reasons_of
from backtester.engine.params import params_of
from backtester.engine.run import run_recorded
from backtester.engine.venue import terms_of, venue_of
from backtester.errors import UserError
from backtester.features.labels import Label
from backtester.market.stress import gap
from backtester.results.bootstrap import drawn_sums
from backtester.results.tables import tables
from benchmarks.market_facts import DAY, FLOW, HOUR, LONG, STRATEGIES, Fact, legs_of, measure, told
from strategies.spot_bull import SpotBull

WEEK = 7 * DAY
CRISES = ("crisis_2020_03", "crisis_2021_05", "crisis_2022_06", "crisis_2022_11", "crisis_2024_08")
HOURLY = {"cvd": None, "leave_flow": None, "chase_stretched": None}  # what conf/experiment/crises.yaml does not ask of hourly bars
POSITIONS = 4  # of each strategy that a gap hits, evenly over time


class CleanWatch(SpotBull):
    """Document A's strategy with the two numbers that the posts disagree on in its trace."""

    class Trace:
        clean: float
        fuel_up: float

    def trace(ctx, s, p, row):
        row.clean = ctx.seen.rally.clean.clean
        row.fuel_up = ctx.seen.rally.fuel.up_share


@cache
def market_of(name: str):
    """A data set, read once."""
    return bt.load(name)


def opens(market, moments: np.ndarray) -> np.ndarray:
    """The perp's open at each moment (ns); NaN where no bar opens there."""
    bars = market.tables["perp_bars", 1]
    at = np.searchsorted(bars["ts_event"], moments)
    there = np.minimum(at, len(bars) - 1)
    return np.where(bars["ts_event"][there] == moments, bars["open"][there], np.nan)


def return_bp(market, moments: np.ndarray, ahead: int) -> np.ndarray:
    """Log return of the perp from each moment on, over `ahead` ns, bp."""
    return 1e4 * np.log(opens(market, moments + ahead) / opens(market, moments))


# ---------------------------------------------------------------- after a label


def labels() -> None:
    """B1: what follows a leg of each label, and what follows any hour."""
    market = market_of(LONG)
    found = legs_of(market, leg_k=4.0)
    earlier = {
        ("SHORTS_IN", 24): "+79 [+10, +150]", ("LONGS_FLUSHED", 24): "+84 [+23, +148]",
        ("LONGS_IN", 1): "-17 [-33, 0]", ("any hour", 24): "about +20",
    }  # fmt: skip
    cases = {"any hour": np.arange(market.start + HOUR, market.end, HOUR)}
    cases |= {label.name: found["ts"][found["label"] == label] for label in Label if label}
    facts = []
    for name, moments in cases.items():
        for hours in (1, 24):
            rows = weekly(moments, return_bp(market, moments, hours * HOUR))
            theirs = earlier.get((name, hours), "")
            why = "the setting is not recorded: one of a dozen" if "[" in theirs else ""
            facts.append(Fact(
                f"{name}, {hours} h, {int(rows[:, 1].sum()):,} cases",
                f"{interval(rows.sum(axis=0), drawn_sums(rows, 1.0), mean)} bp", theirs, why))  # fmt: skip
    told(f"return after a confirmed leg of 40 bp and k = 4, by its label, weeks resampled, {LONG}", facts)


def weekly(moments: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(sum, count) of the known values in each week, weeks without any included."""
    known = np.isfinite(values)
    week = (moments - moments.min()) // WEEK
    return np.column_stack([np.bincount(week, np.where(known, values, 0.0)), np.bincount(week, known)])


def interval(sums: np.ndarray, drawn: np.ndarray, statistic) -> str:
    """A number made of sums, and the middle 95 % of the same in drawn histories."""
    low, high = np.nanquantile([statistic(each) for each in drawn], (0.025, 0.975))
    return f"{statistic(sums):+.1f} [{low:+.1f}, {high:+.1f}]"


def mean(sums: np.ndarray) -> float:
    """Of (sum, count)."""
    return sums[0] / sums[1] if sums[1] > 0 else np.nan


def clean() -> None:
    """A5 against B4 (D18): the next day's return on how clean the market is and on the shorts above, both at once."""
    for name in (LONG, FLOW):
        market = market_of(name)
        trace = bt.run(market, CleanWatch).tables["trace"]
        full = trace["ts"] % HOUR == 0
        rows = np.column_stack([return_bp(market, trace["ts"][full], DAY), trace["clean"][full], trace["fuel_up"][full]])
        rows = rows[np.isfinite(rows).all(axis=1)]
        x = np.column_stack([np.ones(len(rows)), (rows[:, 1:] - rows[:, 1:].mean(axis=0)) / rows[:, 1:].std(axis=0)])
        products = np.column_stack([x[:, [a]] * np.column_stack([x, rows[:, 0]]) for a in range(3)])  # X'X beside X'y, row by row
        drawn, sums = drawn_sums(products, 168.0), products.sum(axis=0)
        facts = [Fact(what, f"{interval(sums, drawn, lambda each, n=n: solved(each)[n])} bp")
                 for n, what in ((1, "clean score"), (2, "shorts above"))]  # fmt: skip
        told(f"return of the next 24 h for one standard deviation more, {len(rows):,} hours of {name}, blocks of a week", facts)


def solved(sums: np.ndarray) -> np.ndarray:
    """The coefficients of least squares from the sums of products."""
    table = sums.reshape(3, 4)
    return np.linalg.solve(table[:, :3], table[:, 3])


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
            print(f"| `{strategy}` | left out: {str(refused).splitlines()[0].partition(',')[0]} |", flush=True)


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
    cls = find_strategy(strategy)
    demand_roles(cls, market)
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
        return f"refused: {str(refused).splitlines()[0].partition(',')[0]}"
    ended = f", {metrics['liquidations']} liquidated" if metrics["liquidations"] else ""
    blocked = f", {metrics['blocked']:,} blocked" if metrics["blocked"] and not metrics["trades"] else ""
    return f"{100 * metrics['total_return']:+.1f} %, {100 * metrics['max_drawdown']:.1f} % ({metrics['trades']}{ended}{blocked})"


PARTS = {each.__name__: each for each in (labels, clean, gaps, crises)}


if __name__ == "__main__":
    measure(PARTS)
