"""The layouts of known files: which column becomes which field of which stream. A recipe names one, or says the same in its own words.

Binance: the public archive's column lists. Tardis and CoinGlass: as their documentation gives them. Units are those of the records.
"""

from typing import NamedTuple

OPEN_TO_CLOSE = {"ts_event": "open_time", "open": "open", "high": "high", "low": "low", "close": "close"}
KLINES = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count",
    "taker_buy_volume", "taker_buy_quote_volume", "ignore",
)
VOLUMES = {"volume": "volume", "quote_volume": "quote_volume", "taker_buy": "taker_buy_volume"}
AGG_TRADES = ("agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time", "is_buyer_maker")
TARDIS = ("exchange", "symbol", "timestamp", "local_timestamp", "id", "side", "price", "amount")
TICKER = (
    "exchange", "symbol", "timestamp", "local_timestamp", "funding_timestamp", "funding_rate", "predicted_funding_rate",
    "open_interest", "last_price", "index_price", "mark_price",
)
METRICS = (
    "create_time", "symbol", "sum_open_interest", "sum_open_interest_value", "count_toptrader_long_short_ratio",
    "sum_toptrader_long_short_ratio", "count_long_short_ratio", "sum_taker_long_short_vol_ratio",
)
SNAPSHOT = (
    "time", "side", "order_type", "time_in_force", "original_quantity", "price", "average_price", "order_status",
    "last_fill_quantity", "accumulated_fill_quantity",
)
FORCED = {"sell": 1, "buy": -1}  # a forced sale ends a long, a forced purchase a short


class Layout(NamedTuple):
    """One kind of file."""

    streams: dict                         # stream -> field -> its column, a number, or how it is computed; a tuple: several records a row
    headers: tuple[tuple[str, ...], ...]  # the columns of files without a header
    zone: str | None = None               # of times without an offset
    floor: str | None = None              # moments are cut to this
    shift: str | None = None              # added to the file's stamps: a length, or "interval", the recipe's own
    unique: str | None = None             # a column whose value no two rows share
    symbol: str | None = None             # a column that must say the same in every row
    repair: tuple[str, ...] = ()          # what such files are known to need
    lag_ms: int | None = None             # where it is not the stream's


WHOLE = ("sort", "duplicates")

LAYOUTS = {
    "binance.klines": Layout(
        dict.fromkeys(("spot_bars", "perp_bars"), OPEN_TO_CLOSE | VOLUMES)
        | dict.fromkeys(("mark_bars", "index_bars", "premium_index_bars"), OPEN_TO_CLOSE),  # their volumes mean nothing
        (KLINES,),
        repair=WHOLE,
    ),
    "binance.funding": Layout(
        {"funding": {"ts_event": "calc_time", "rate": "last_funding_rate", "interval_h": "funding_interval_hours"}},
        (("calc_time", "funding_interval_hours", "last_funding_rate"),),
        floor="1m",  # stamps are some ms late
        repair=WHOLE,
    ),
    "binance.metrics": Layout(
        {
            "open_interest": {"ts_event": "create_time", "qty": "sum_open_interest"},
            "long_short_ratio": {
                "ts_event": "create_time", "accounts": "count_long_short_ratio", "top_accounts": "count_toptrader_long_short_ratio",
                "top_positions": "sum_toptrader_long_short_ratio", "taker_volume": "sum_taker_long_short_vol_ratio",
            },
        },
        (METRICS,),
        zone="UTC", symbol="symbol", repair=WHOLE,
    ),
    "binance.agg_trades": Layout(
        {"trades": {
            "ts_event": "transact_time", "price": "price", "qty": "quantity",
            "side": {"column": "is_buyer_maker", "words": {"true": -1, "false": 1}},  # the maker bought: the taker sold
        }},
        (AGG_TRADES, (*AGG_TRADES, "is_best_match")),
        unique="agg_trade_id", repair=WHOLE,
    ),
    "binance.liquidations": Layout(  # COIN-M: contracts of 100 USD (BTC) or 10 (others); every row is written twice
        {"liquidations": {
            "ts_event": "time", "price": "average_price", "side": {"column": "side", "words": FORCED},
            "qty": {"column": "accumulated_fill_quantity", "times": 100, "over": "average_price"},
        }},
        (SNAPSHOT,),
        repair=WHOLE,
    ),
    "binance.book_depth": Layout(
        {"depth": {"ts_event": "timestamp", "percent": "percentage", "qty": "depth", "notional": "notional"}},
        (("timestamp", "percentage", "depth", "notional"),),
        zone="UTC", repair=WHOLE,
    ),
    "tardis.trades": Layout(
        {"trades": {
            "ts_event": "timestamp", "ts_known": "local_timestamp", "price": "price", "qty": "amount",
            "side": {"column": "side", "words": {"buy": 1, "sell": -1}},
        }},
        (TARDIS,),
        symbol="symbol", repair=("sort",),  # they stand in the order of their arrival
    ),
    "tardis.liquidations": Layout(
        {"liquidations": {
            "ts_event": "timestamp", "ts_known": "local_timestamp", "price": "price", "qty": "amount",
            "side": {"column": "side", "words": FORCED},
        }},
        (TARDIS,),
        symbol="symbol", repair=("sort",),
    ),
    "tardis.derivative_ticker": Layout(
        {"open_interest": {"ts_event": "timestamp", "ts_known": "local_timestamp", "qty": "open_interest"}},
        (TICKER,),
        symbol="symbol", repair=("sort", "duplicates", "last"),
    ),
    "coinglass.liquidations": Layout(  # sums of an interval, in USD; known when it has ended
        {"liquidations": (
            {"ts_event": "time", "side": 1, "price": {"close_of": "perp_bars"},
             "qty": {"column": "aggregated_long_liquidation_usd", "over": "price"}},
            {"ts_event": "time", "side": -1, "price": {"close_of": "perp_bars"},
             "qty": {"column": "aggregated_short_liquidation_usd", "over": "price"}},
        )},
        (("time", "aggregated_long_liquidation_usd", "aggregated_short_liquidation_usd"),),
        shift="interval", repair=("sort",), lag_ms=60_000,
    ),
    "coinglass.open_interest": Layout(  # bars of it, in coins; the close is known when the interval has ended
        {"open_interest": {"ts_event": "time", "qty": "close"}},
        (("time", "open", "high", "low", "close"),),
        shift="interval", repair=("sort", "duplicates"), lag_ms=60_000,
    ),
    "candles": Layout(
        {stream: {"ts_event": "timestamp", "open": "open", "high": "high", "low": "low", "close": "close", "volume": "volume"}
         for stream in ("spot_bars", "perp_bars")},
        (("timestamp", "open", "high", "low", "close", "volume"),),
        repair=WHOLE,
    ),
}
