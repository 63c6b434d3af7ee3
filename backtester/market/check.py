"""What a table must be before it may become events; every refusal names the stream, the row and what would be right."""

from collections.abc import Iterator

import numpy as np

from backtester.errors import UserError
from backtester.market.schema import OF_KIND, OPTIONAL, Instrument, all_roles, known_stream
from backtester.market.times import iso
from backtester.records import BAR, BRACKET, EXOGENOUS, FUNDING, SETTLEMENTS, STREAMS

VOLUMES = ("volume", "quote_volume", "taker_buy")
AT_LEAST_ZERO = {
    "open_interest": ("qty",), "liquidations": ("qty",), "trades": ("qty",), "depth": ("qty", "notional"),
    "long_short_ratio": ("accounts", "top_accounts", "top_positions", "taker_volume"),
}
ABOVE_ZERO = {
    "funding": ("interval_h",), "open_interest": ("qty",), "liquidations": ("price", "qty"), "trades": ("price", "qty"),
    "long_short_ratio": ("accounts", "top_accounts", "top_positions"),
}


def check_tables(name: str, instruments: tuple[Instrument, ...], tables: dict) -> None:
    """Raises UserError for the first table, {(stream, instrument index): records}, that cannot be right."""
    if [each.role for each in instruments] != all_roles(instruments):
        raise UserError(f"{name}: instruments must stand in the order of their roles: {', '.join(all_roles(instruments))}")
    for (stream, index), table in tables.items():
        known_stream(stream, name)
        place = f"{name}: {stream}/{instruments[index].name}"
        check_kind(stream, instruments[index], table, place)
        check_order(table, place)
        check_known(table, place)
        check_values(table, place)
    for index, instrument in enumerate(instruments):
        if ("funding", index) in tables and ("perp_bars", index) in tables:
            check_settlements(tables["funding", index], tables["perp_bars", index], f"{name}: funding/{instrument.name}")
        for stream in ("mark_bars", "index_bars"):
            if (stream, index) in tables and ("perp_bars", index) in tables:
                check_inside(tables[stream, index], tables["perp_bars", index], f"{name}: {stream}/{instrument.name}")


def refuse(wrong: np.ndarray, table: np.ndarray, place: str, why: str) -> None:
    """Raises UserError for the first row where `wrong` is true."""
    if wrong.any():
        row = int(wrong.argmax())
        raise UserError(f"{place}, row {row} ({iso(table['ts_event'][row])}): {why}")


def check_kind(stream: str, instrument: Instrument, table: np.ndarray, place: str) -> None:
    """The stream's record, on an instrument that can have it."""
    if table.dtype.names != STREAMS[stream].names:
        raise UserError(f"{place}: has the fields {', '.join(table.dtype.names or ())}; right are {', '.join(STREAMS[stream].names or ())}")
    if len(table) and not instrument.name:
        raise UserError(f"{place}: rows for the role {instrument.role}, to which no instrument is bound")
    if OF_KIND.get(stream, instrument.kind) != instrument.kind:
        raise UserError(f"{place}: belongs to a {OF_KIND[stream]}, and {instrument.name} has the role {instrument.role}")


def check_order(table: np.ndarray, place: str) -> None:
    """Rows in the order of their moments; two bars, settlements or brackets never share one."""
    step = np.diff(table["ts_event"])
    refuse(np.append(False, step < 0), table, place, "ts_event is earlier than in the row before: sort the rows")
    if table.dtype.names in (BAR.names, FUNDING.names, BRACKET.names):
        refuse(np.append(False, step == 0), table, place, "ts_event stands twice: keep one of the two rows")


def check_inside(marks: np.ndarray, bars: np.ndarray, place: str) -> None:
    """Bars of a mark or an index fit into those of their perpetual; longer ones would never say what happened inside one."""
    if len(marks) and len(bars):
        own, whole = ((table["ts_close"][0] - table["ts_event"][0]) / 60e9 for table in (marks, bars))
        if whole % own:
            raise UserError(f"{place}: bars of {own:g} minutes do not fit into the perpetual's of {whole:g}: import shorter ones")


def check_known(table: np.ndarray, place: str) -> None:
    """Nothing is known before it happened, and no bar before it closed; but a calendar knows of events that are to come."""
    if table.dtype.names == BAR.names:
        refuse(table["ts_close"] <= table["ts_event"], table, place, "ts_close must be later than ts_event")
        refuse(table["ts_known"] < table["ts_close"], table, place, "ts_known is before the bar's close: right is ts_close + lag")
    elif table.dtype.names != EXOGENOUS.names:
        refuse(table["ts_known"] < table["ts_event"], table, place, "ts_known is before ts_event: right is ts_event + lag")


def check_values(table: np.ndarray, place: str) -> None:
    """The numbers that every record needs are there, and they are possible."""
    for wrong, why in impossible(place.split(": ")[1].partition("/")[0], table):
        refuse(wrong, table, place, why)


def impossible(stream: str, table: np.ndarray) -> Iterator[tuple[np.ndarray, str]]:
    """Which rows (n,) of a stream cannot be, reason by reason, and what would be right."""
    needed = [field for field in table.dtype.names or () if table.dtype[field].kind == "f" and field not in OPTIONAL]
    if needed:
        total = sum(table[field] for field in needed)  # NaN where any of them is
        yield np.isnan(total), f"{', '.join(needed)}: one of them is NaN: leave such a row out"
        yield ~np.isfinite(total), f"{', '.join(needed)}: one of them is infinite: leave such a row out"
    if table.dtype.names == BAR.names:
        if stream != "premium_index_bars":
            yield table["low"] <= 0.0, "a price is not above 0: leave such a row out"
        body = np.minimum(table["open"], table["close"]), np.maximum(table["open"], table["close"])
        yield (table["low"] > body[0]) | (table["high"] < body[1]), "open or close lies outside low … high: no such bar can be"
    for field in AT_LEAST_ZERO.get(stream, VOLUMES if table.dtype.names == BAR.names else ()):
        yield (table[field] < 0.0) | np.isinf(table[field]), f"{field} is below 0 or infinite: no such number can be"


def worthless(stream: str, table: np.ndarray) -> Iterator[tuple[np.ndarray, str]]:
    """Which rows (n,) of a stream say nothing although they can be loaded: a zero where there is no such thing."""
    for field in ABOVE_ZERO.get(stream, ()):
        yield table[field] == 0.0, f"{field} is 0, which is no number of this kind: leave such a row out"


def check_settlements(funding: np.ndarray, bars: np.ndarray, place: str) -> None:
    """A settlement pays on the position before any fill at or after it, so it must be known with the first bar from it on."""
    first = np.searchsorted(bars["ts_event"], funding["ts_event"])
    into = np.maximum(first - 1, 0)
    inside = (first > 0) & (funding["ts_event"] < bars["ts_close"][into])
    crowded = np.bincount(into[inside], minlength=len(bars))[into] > SETTLEMENTS
    refuse(crowded, funding, place, f"more than {SETTLEMENTS} settlements fall into one perp bar: use shorter bars")
    closed = first < len(bars)
    late = np.zeros(len(funding), bool)
    late[closed] = funding["ts_known"][closed] > bars["ts_known"][first[closed]]
    refuse(late, funding, place, "known only after the first perp bar that opens at or after it: lower the stream's lag_ms")
