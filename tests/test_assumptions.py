"""What a manifest says that a result takes for granted: a line for everything assumed, FALLBACK in each that stands in for data."""

from dataclasses import asdict, replace

import pytest
from tables import bars, points

from backtester.engine.venue import Venue
from backtester.market.merge import build
from backtester.market.schema import Instrument
from backtester.results.manifest import assumptions, unheard

STEPS = {"tick": 0.1, "lot": 0.001, "min_notional": 5.0}
FEES = {"taker_bp": 5.0, "maker_bp": 2.0}
GROUNDS = {"file": "data/brackets/b.yaml", "versions": [{"valid_from": "2023-01-01T00:00:00Z", "basis": "Known. The day: assumed."}]}


def market_of(*instruments, **streams):
    """Two perpetuals and their spots, of which those are bound that are named; `streams` belong to the first perpetual."""
    named = {each.role: each for each in instruments}
    roles = ["spot", "perp"] if len(named) <= 2 else ["spot", "perp", "eth_spot", "eth_perp"]
    bound = tuple(named.get(role, Instrument("", role)) for role in roles)
    tables = {(f"{each.kind}_bars", n): bars([0, 60]) for n, each in enumerate(bound) if each.name}
    return build("tiny", bound, tables | {(stream, 1): table for stream, table in streams.items()}, source={"brackets": {}})


def perp(name="P", role="perp", **more):
    return Instrument(name, role, **STEPS | FEES | more)


def told(market, **venue):
    return assumptions(market, asdict(replace(Venue(), **venue)))


def fallbacks(market, **venue):
    return [line for line in told(market, **venue) if "FALLBACK" in line]


FUNDED = {"funding": points("funding", [0], lag=5, rate=1e-4, interval_h=8), "mark_bars": bars([0, 60])}


def test_a_run_whose_data_lack_nothing_has_no_fallback():
    market = market_of(perp(), **FUNDED)
    market.source["brackets"]["P"] = GROUNDS
    assert told(market) == [
        "a market order fills at its instrument's next open, which is older than the decision by the bar's publication lag",
        "inside a bar the price goes to the extreme that is worse for the position first (venue.path=adverse)",
        "an order that takes pays 1 bp of slippage",
        "P: fees taker 5 bp (data set), maker 2 bp (data set)",
        "P: valued and liquidated at its mark price, known in time for 100 % of its bars; else at its own price",
        "P: margin brackets of data/brackets/b.yaml, in force since 2023-01-01; their grounds: data.brackets",
        "cross margin, leverage 5: the account stands behind all perpetuals, spot holdings do not",
        "what is liquidated loses all of its margin",
        "not modelled: queues beyond `through the price`, margin reserved by waiting orders, partial liquidation, auto-deleveraging",
    ]


GUESSED = {"file": "b.yaml", "versions": [{"valid_from": "2020-01-01T00:00:00Z", "basis": "Assumed: nothing older was found."}]}
FALLBACKS = {
    "free of funding": (
        perp(), {}, {"mark_bars": FUNDED["mark_bars"]}, {}, "P: FALLBACK venue.missing_funding=free: no funding data, held free of charge",
    ),
    "own price": (
        perp(), {}, {"funding": FUNDED["funding"]}, {}, "P: FALLBACK no mark or index stream: valued and liquidated at its own price",
    ),
    "no brackets": (
        perp(), {}, FUNDED, {"maintenance_bp": 40.0}, "P: FALLBACK venue.maintenance_bp: 40 bp of notional in place of margin brackets",
    ),
    "guessed brackets": (
        perp(), {"P": GUESSED}, FUNDED, {}, "P: FALLBACK margin brackets since 2020-01-01: Assumed: nothing older was found",
    ),
    "no maker's fee": (perp(maker_bp=None), {}, FUNDED, {}, "P: FALLBACK no maker fee is named: an order that rested pays the taker's"),
    "no steps": (
        perp(tick=None, min_notional=None), {}, FUNDED, {},
        "P: FALLBACK the data set names no tick, no smallest order: orders pass as they are asked",
    ),
}


@pytest.mark.parametrize(("instrument", "brackets", "streams", "venue", "line"), FALLBACKS.values(), ids=FALLBACKS)
def test_each_fallback_is_named(instrument, brackets, streams, venue, line):
    market = market_of(instrument, **streams)
    market.source["brackets"] |= brackets
    assert fallbacks(market, **venue) == [line]


def test_fees_name_where_they_are_from():
    spot = Instrument("S", "spot", taker_bp=10.0)
    lines = [line for venue in ({}, {"taker_bp": 4.0}, {"maker_bp": 1.0}) for line in told(market_of(spot), **venue) if "fees" in line]
    assert lines == [
        "S: fees taker 10 bp (data set), maker 10 bp (data set)",
        "S: fees taker 4 bp (venue), maker 4 bp (venue)",
        "S: fees taker 10 bp (data set), maker 1 bp (venue)",
    ]
    assert [line for line in fallbacks(market_of(spot), maker_bp=1.0) if "maker" in line] == []


def test_several_perpetuals_are_told_one_by_one():
    market = market_of(perp(), perp("E", "eth_perp"), perp("ES", "eth_spot"), **FUNDED)
    lines = told(market, liquidation="mark_slip", liquidation_fee_bp=125.0)
    assert [line for line in lines if line.startswith(("P: valued", "E: FALLBACK no mark", "P: liq", "E: liq"))] == [
        "P: valued and liquidated at its mark price, known in time for 100 % of its bars; else at its own price",
        "P: liquidation fee 125 bp (venue)",
        "E: FALLBACK no mark or index stream: valued and liquidated at its own price",
        "E: liquidation fee 125 bp (venue)",
    ]
    together = "cross margin, leverage 5: the account stands behind all perpetuals, spot holdings do not; a liquidation closes all of them"
    assert together in lines
    assert "isolated margin, leverage 5: each perpetual has a wallet of its own" in told(market, margin="isolated")


def test_index_before_own_price():
    assert "P: valued and liquidated at its index price and the basis, known in time for 100 % of its bars; else at its own price" in told(
        market_of(perp(), funding=FUNDED["funding"], index_bars=bars([0, 60]))
    )


def test_costs_of_taking_and_bounds_of_filling():
    given = {"fills": "strict", "latency_ms": 80.0, "path": "nearest", "spread_bp": 2.0, "impact_bp": 30.0, "participation": 0.1}
    assert told(market_of(perp(), **FUNDED), **given)[:3] == [
        "an order meets the first bar that opens 80 ms or more after the decision",
        "inside a bar the price goes to the nearer extreme first (venue.path=nearest)",
        "an order that takes pays 1 bp of slippage, half of a spread of 2 bp, an impact of 30 bp times the square root of its share of the "
        "bar's volume; at most 10 % of a bar's volume fills; a bar whose volume is 0 or unknown fills nothing",
    ]


def test_spot_alone_says_nothing_of_margin():
    lines = told(market_of(Instrument("S", "spot", **STEPS | FEES)))
    assert [line for line in lines if "margin, " in line or "liquidat" in line.partition("not modelled")[0]] == []


class Listener:
    """Hears funding, which there is, and what there is not."""

    optional = ("eth",)

    def see_funding(x, seen, p):
        """Of the perpetual."""

    def on_exogenous(ctx, x, s, p):
        """Of the world."""

    def see_liquidation(x, seen, p):
        """Of the perpetual."""

    def see_eth_spot(bar, seen, p):
        """Of an asset that it can do without."""


def test_what_a_strategy_listens_to_in_vain_is_a_fallback():
    nothing = "of which the data have nothing: unknown to it"
    assert unheard(Listener, market_of(perp(), **FUNDED)) == [
        f"FALLBACK Listener listens to {name}, {nothing}" for name in ("exogenous", "liquidation", "eth")
    ]
