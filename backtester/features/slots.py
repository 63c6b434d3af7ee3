"""Sums over the last minutes: 64 slots of equal length, found by their number and never by their count; an empty slot is 0.

The number is ts // length, the length the caller's: of 1 minute they hold an hour, of 5 minutes five. What comes later than
an hour's slots have gone round belongs nowhere and is left out.
"""

from backtester.fields import vec

SLOTS = 64


class Slots:
    """The last 64 sums."""

    value: vec(64)
    slot: vec(64, kind="i8")  # whose sum it is


def add_slot(f, slot, x):
    """Add to the sum of a slot."""
    i = slot % SLOTS
    if slot > f.slot[i]:
        f.slot[i] = slot
        f.value[i] = 0.0
    if slot == f.slot[i]:
        f.value[i] += x


def at_slot(f, slot):
    """The sum of one slot."""
    return f.value[slot % SLOTS] if f.slot[slot % SLOTS] == slot else 0.0


def last_slots(f, slot, n):
    """The sum of the `n` slots up to and with `slot`."""
    total = 0.0
    for k in range(n):
        total += at_slot(f, slot - k)
    return total
