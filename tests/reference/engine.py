"""The reference engine: a market and a list of actions in, the tables of a run out (docs/venue.md, sections 1 and 9)."""

from dataclasses import dataclass
from itertools import groupby
from math import inf, nan

from reference.accounts import Lane, Position, pay, settle, unrealised
from reference.asks import ask
from reference.groups import process
from reference.liquidation import end
from reference.market import ORDER, Brackets, Instrument, Settlement, Tier, events
from reference.orders import Action

BARS = (ORDER["spot_bars"], ORDER["perp_bars"])
COLUMNS = {
    "fills": ("ts", "order", "instrument", "qty", "price", "fee", "slippage", "liquidity", "reason"),
    "ledger": ("ts", "instrument", "wallet", "kind", "amount", "balance"),
    "trades": ("instrument", "side", "entry_ts", "exit_ts", "qty", "entry_price", "exit_price", "pnl", "fees", "funding",
               "entry_reason", "exit_reason", "exit_kind"),
}
ORDER_COLUMNS = (
    "id", "ts", "instrument", "kind", "asked", "qty", "limit", "trigger", "distance", "tif", "until", "reduce_only", "post_only", "parent",
    "reason", "status", "refusal", "filled", "price", "ts_done",
)


@dataclass(slots=True)
class Terms:
    """The keys of `venue`, rates as fractions."""

    strict: bool
    latency: int                   # ns
    leverage: float
    isolated: bool
    bankruptcy: bool
    liquidation_fee: float | None  # None: the brackets'
    slip: float                    # slippage and half the spread
    impact: float
    participation: float | None
    path: str


def terms_of(venue: dict) -> Terms:
    fee = venue["liquidation_fee_bp"]
    return Terms(
        strict=venue["fills"] == "strict",
        latency=round(venue["latency_ms"] * 1e6),
        leverage=float(venue["leverage"]),
        isolated=venue["margin"] == "isolated",
        bankruptcy=venue["liquidation"] == "bankruptcy",
        liquidation_fee=None if fee is None else fee * 1e-4,
        slip=venue["slippage_bp"] * 1e-4 + venue["spread_bp"] * 1e-4 / 2.0,
        impact=venue["impact_bp"] * 1e-4,
        participation=venue["participation"],
        path=venue["path"],
    )


def instrument_of(index: int, given, venue: dict, tables: dict) -> Instrument:
    perp = given.role.endswith("perp")
    flat = venue["maintenance_bp"]
    rates = [own if venue[key] is None else venue[key] for key, own in (("taker_bp", given.taker_bp), ("maker_bp", given.maker_bp))]
    return Instrument(
        index, given.name, perp, given.tick, given.lot, given.min_notional,
        *((rate or 0.0) * 1e-4 for rate in rates),
        has_bars=len(tables.get(("perp_bars" if perp else "spot_bars", index), ())) > 0,
        position=Position(),
        own_tiers=flat is not None,
        brackets=None if flat is None else Brackets(nan, (Tier(inf, flat * 1e-4, 0.0, inf),)),
    )


def simulate(tables: dict, instruments, venue: dict, actions: list[Action]) -> dict:
    """Tables {name: {column: list}} of a run. `tables`: {(stream, instrument index): records}, as a market is built of."""
    here = [instrument_of(n, each, venue, tables) for n, each in enumerate(instruments)]
    lane = Lane(terms_of(venue), here, cash=0.0, peak=float(venue["cash"]))
    opens = [int(table["ts_event"][0]) for (stream, _), table in tables.items() if stream in ("spot_bars", "perp_bars") and len(table)]
    pay(lane, min(opens), None, False, "deposit", float(venue["cash"]))
    late = [action for action in actions if action.late]
    for now, instant in groupby(events(tables, actions), key=lambda event: event[0]):
        bars = {}  # that wait for the end of the instant, by instrument
        for _, place, index, _, record in instant:
            if place == ORDER["exogenous"]:
                decide(lane, now, [record])
            elif place not in BARS:
                take_record(lane, lane.instruments[index], place, record)
            elif index in bars:
                process(lane, bars)
                bars = {index: record}
            else:
                bars[index] = record
        if bars:
            process(lane, bars)
            mark(lane, record.closed)
            due = [action for action in late if action.ts <= now]
            late = late[len(due):]
            decide(lane, now, due)
    return tables_of(lane)


def decide(lane: Lane, now: int, actions: list[Action]) -> None:
    """A hook; a lane that has ended decides no more."""
    if actions and not lane.ended:
        ask(lane, now, actions)


def take_record(lane: Lane, here: Instrument, place: int, record) -> None:
    """What a record other than a bar does when it becomes known."""
    if place == ORDER["mark_bars"]:
        here.marks.bars.append(record)
        here.mark = record.close
    elif place == ORDER["index_bars"]:
        here.indices.bars.append(record)
    elif place == ORDER["funding"]:
        settlement = Settlement(*record, here.mark)
        if here.closed >= settlement.ts:
            settle(lane, here, settlement, nan)
        else:
            here.settlements = sorted([*here.settlements, settlement])
    else:  # brackets; tiers of the venue's own stay
        here.brackets = Brackets(record.fee, here.brackets.tiers if here.own_tiers else record.tiers)


def mark(lane: Lane, closed: int) -> None:
    """Section 9: the equity at the marks; a lane that is worth nothing ends. One sample a close."""
    if worth(lane) <= 0.0 and not lane.ended:
        end(lane, closed - 1)
    equity = worth(lane)
    lane.peak = max(lane.peak, equity)
    if lane.equity and lane.equity[-1][0] == closed:
        lane.equity.pop()
    held = [here.position.qty for here in lane.instruments if here.name]
    lane.equity.append((closed, equity, wallets(lane), *held, 1.0 - equity / lane.peak))


def wallets(lane: Lane) -> float:
    """The cash of all wallets."""
    return lane.cash + sum(here.position.margin for here in lane.instruments)


def worth(lane: Lane) -> float:
    """Equity: cash, spot at its mark, perpetuals with their wallets; an isolated position loses its wallet at the most."""
    out = lane.cash
    for here in lane.instruments:
        if here.perp:
            value = here.position.margin + unrealised(here)
            out += max(value, 0.0) if here.position.margin > 0.0 else value
        elif here.position.qty:
            out += here.position.qty * here.mark
    return out


def tables_of(lane: Lane) -> dict:
    names = [here.name for here in lane.instruments]
    rows = [(
        o.id, o.ts, names[o.instrument], o.kind, o.asked, o.qty, o.limit, o.trigger, o.distance, o.tif, o.until, o.reduce_only, o.post_only,
        o.parent, o.reason, o.status, o.refusal, o.filled, o.value / abs(o.filled) if o.filled else nan, o.ts_done,
    ) for o in lane.orders]
    held = [f"position_{name}" for name in names if name]
    return {
        "orders": table(ORDER_COLUMNS, rows),
        "equity": table(("ts", "equity", "cash", *held, "drawdown"), lane.equity),
        **{name: table(columns, getattr(lane, name)) for name, columns in COLUMNS.items()},
    }


def table(names: tuple, rows: list) -> dict:
    """Columns as lists."""
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)) if rows else {name: [] for name in names}
