"""Orders without room: more than an instrument or a hook call can hold, so that what came of a run is not what its strategy asked."""

import numpy as np

from backtester.engine.codes import NO_ROOM, REFUSAL
from backtester.engine.state import PLACES, SLOTS
from backtester.errors import UserError
from backtester.market.times import iso
from backtester.orders import WISHES

RIGHT = (
    f"at most {SLOTS} market orders and {PLACES} others wait at an instrument, and one hook call asks for {WISHES}, cancels and "
    "amendments included: cancel what is not needed any more, or give it an end (until)"
)


def demand_room(name: str, orders: dict, metrics: dict) -> None:
    """Raises UserError, which names the first order of a run that found no room. orders: columns of its table."""
    count = metrics["no_room"]
    if count:
        lost = np.flatnonzero(orders["refusal"] == REFUSAL[NO_ROOM])
        first = order_told(orders, lost[0]) if len(lost) else "a cancel or an amendment"
        others = f" ({count:,} found none in all)" if count > 1 else ""
        raise UserError(f"{name}: {first} found no room{others}; {RIGHT}")


def order_told(orders: dict, row: int) -> str:
    """An order in words: number, kind, quantity, instrument, moment, reason."""
    one = {column: values[row] for column, values in orders.items()}
    return f"order {one['id']} ({one['kind']}, {one['asked']:+g} {one['instrument']}, {iso(one['ts'])}, {one['reason']!r})"


def room_lacked(table: dict) -> str:
    """What to say of a sweep's columns in which rows lacked room; empty where none did."""
    lacked = np.flatnonzero(np.asarray(table.get("no_room", ()), dtype=float) > 0)
    if not len(lacked):
        return ""
    first = int(table["combination"][lacked[0]])
    return f"{len(lacked):,} of {len(table['no_room']):,} combinations asked for orders that found no room, the first is {first}; {RIGHT}."
