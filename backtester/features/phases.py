"""D21, the three phases in their order: something ignites, shorts are cleared, spot buyers take over.

    IGNITE   an event became known (heat.py), or an hour's return is beyond 3 of its sigmas
    CLEAR    within 24 hours of it the flush (flush.py) begins: its answer turns from no to yes
    RELAY    within 12 hours of that, spot takers bought in at least 6 of the hours since, open interest flat or down (relay.py)

Claims A2 ("three forces working together") and A10 ("events ignited, institutions cleared shorts, spot funds
continued"). Only RELAY permits an entry. The order counts: a flush that had begun before the event clears
nothing. Another event renews the 24 hours; once shorts are cleared, further events change nothing. RELAY ends
where its own condition does, asked of the hours since the flush, at most 12. Heat is optional: without
events the return alone ignites. Judged at full hours.
"""

from enum import IntEnum

from backtester.features.answers import NO, YES, above
from backtester.features.basic import HOUR, NAN, missing
from backtester.features.relay import relayed


class Phase(IntEnum):
    """Where the sequence stands."""

    UNKNOWN = 0  # neither a return nor an event has been known yet
    IDLE = 1
    IGNITE = 2
    CLEAR = 3
    RELAY = 4


class Phases:
    """The last full hour's answer."""

    phase: Phase = Phase.UNKNOWN
    permitted: float = NAN   # 1 in RELAY, 0 elsewhere; NaN where what the phase waits for, or rests on, is unknown
    sigmas: float = 3.0      # of an hour's return
    clear_h: float = 24.0    # hours from the event to the flush
    since: int = 0           # when the phase began, ns
    cleared: int = 0         # the hour in which the flush began, hours since 1970
    heat_ts: int = 0         # the last event taken in, ns
    flushed: float = NAN     # the hour before: 1 yes, 0 no


def start_phases(f, sigmas, clear_h):
    """Set what return ignites, and how soon the flush must begin (hours)."""
    f.sigmas = sigmas
    f.clear_h = clear_h


def see_phases(f, ts_close, z, heat_ts, flushed, relay):
    """Take in a full hour: its return in sigmas, when the last event was known (ns, 0: none), the flush's answer, the relay's record."""
    ignites = YES if heat_ts > f.heat_ts else above(abs(z), f.sigmas)
    clears = flushed == YES and f.flushed == NO
    f.heat_ts = heat_ts
    f.flushed = flushed
    if f.phase == Phase.UNKNOWN and not missing(ignites):
        enter(f, Phase.IDLE, ts_close)
    if f.phase in (Phase.CLEAR, Phase.RELAY):
        hand_over(f, ts_close, relay)
    if f.phase in (Phase.IDLE, Phase.IGNITE):
        burn(f, ts_close, ignites, clears)


def enter(f, phase, ts):
    """Another phase begins, or the same one anew."""
    f.phase = phase
    f.since = ts


def burn(f, ts, ignites, clears):
    """Before the flush: catch fire, burn out, or clear."""
    if ignites == YES:
        enter(f, Phase.IGNITE, ts)
    elif f.phase == Phase.IGNITE and ts - f.since > f.clear_h * HOUR:
        enter(f, Phase.IDLE, ts)
    waits_for = f.flushed if f.phase == Phase.IGNITE else ignites
    f.permitted = NAN if missing(waits_for) else NO
    if f.phase == Phase.IGNITE and clears:
        enter(f, Phase.CLEAR, ts)
        f.cleared = (ts - 1) // HOUR


def hand_over(f, ts, relay):
    """After the flush: wait for the buyers, or for their end."""
    hour = (ts - 1) // HOUR
    passed = hour - f.cleared
    answer = relayed(relay, hour, min(passed, relay.window_h))
    late = f.phase == Phase.CLEAR and passed >= relay.window_h
    lost = f.phase == Phase.RELAY and answer == NO
    if f.phase == Phase.CLEAR and answer == YES:
        enter(f, Phase.RELAY, ts)
    elif late or lost:
        enter(f, Phase.IDLE, ts)
    f.permitted = YES if f.phase == Phase.RELAY else NO
    if missing(answer):
        f.permitted = NAN
