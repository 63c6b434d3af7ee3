"""Time as text and as int64 nanoseconds UTC, and nothing else."""

from datetime import UTC, datetime, timedelta

import numpy as np

from backtester.errors import UserError

SECOND = 1_000_000_000  # ns
UNITS = {"s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": 86_400 * SECOND}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(text, where: str) -> int:
    """ISO text (UTC where it names no offset) as ns. Raises UserError, which names `where`."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise UserError(f"{where}: {text!r} is no time: write 2024-01-31 or 2024-01-31T08:00:00Z (UTC)") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


def interval(text, where: str) -> int:
    """A length such as 30s, 5m, 1h or 1d as ns. Raises UserError, which names `where`."""
    number, unit = str(text)[:-1], str(text)[-1:]
    if not (number.isdecimal() and int(number) > 0 and unit in UNITS):
        raise UserError(f"{where}: {text!r} is no interval: write 30s, 5m, 1h or 1d")
    return int(number) * UNITS[unit]


def milliseconds(number, where: str) -> int:
    """A number of ms as ns. Raises UserError, which names `where`."""
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise UserError(f"{where}: {number!r} is no number of milliseconds: write 500")
    return number * SECOND // 1000


def iso(ns) -> str:
    """ns as ISO text, to the second: 2024-01-31T08:00:00Z."""
    return f"{np.datetime64(int(ns) // SECOND, 's')}Z"


def length(ns: int) -> str:
    """ns as a length in the largest unit that fits: 5m, -1h, 90s."""
    unit = next((unit for unit in reversed(UNITS) if ns % UNITS[unit] == 0), "s")
    return f"{ns / UNITS[unit]:g}{unit}"
