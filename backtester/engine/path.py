"""The way of prices and marks through a group of bars: what they meet, in the order in which they meet it.

All instruments of the group stand at the same fraction of the same part at one moment; `lane.way` says where that is.
"""

from backtester.engine.jit import jit
from backtester.engine.margin import is_crossed, maintenance, maintenance_rate, surplus
from backtester.engine.marks import stand
from backtester.engine.state import ADVERSE, NEAREST, OHLC

NEVER = 2.0               # a fraction that no part of a path reaches
NOBODY, ACCOUNT = -2, -1  # whom the margin fails; else an instrument


@jit
def high_first(path, qty, bar, entry):
    """Whether the path goes to the high first. `qty` is the position, `entry` the signed quantity of the oldest order that may open one."""
    if path == ADVERSE:
        return qty < 0.0 or (qty == 0.0 and entry >= 0.0)
    if path == NEAREST:
        return bar.high - bar.open <= bar.open - bar.low
    return path == OHLC


@jit
def corner(bar, n, up):
    """The n-th corner of the path through a bar: open, first extreme, second extreme, close."""
    if n == 0:
        return bar.open
    if n == 3:
        return bar.close
    return bar.high if (up == 1) == (n == 1) else bar.low


@jit
def stand_at_open(lane, quotes, bars):
    """All instruments of the group stand at their opens, the others at their last marks; the quotes know the marks' opens."""
    stand(lane, quotes)
    for i in range(len(quotes)):
        if quotes[i].moving == 1:
            lane.way[i].x = bars[quotes[i].next].open


@jit
def move_to(lane, f, n, quotes, bars):
    """All instruments of the group go to fraction f of part n."""
    for i in range(len(quotes)):
        if quotes[i].moving == 1:
            way, bar = lane.way[i], bars[quotes[i].next]
            a, b = corner(bar, n, way.up), corner(bar, n + 1, way.up)
            way.x = a + f * (b - a)
            if lane.terms[i].perp == 1:
                a, b = corner(quotes[i].path, n, way.up), corner(quotes[i].path, n + 1, way.up)
                way.mark = a + f * (b - a)


# ---------------------------------------------------------------- where the margin fails


@jit
def may_fail(lane, quotes):
    """Whether the ranges of the marks come to where the margin fails, whatever the path."""
    reached = 1 if is_crossed(lane) else 0
    for i in range(1, len(quotes), 2):
        if quotes[i].moving == 1:
            position, mark = lane.position[i], quotes[i].path
            if (position.qty > 0.0 and mark.low <= position.end) or (position.qty < 0.0 and mark.high >= position.end):
                reached += 1
    return reached > 0


@jit
def failing_at_open(lane, i, quotes):
    """Whom the margin fails where the marks stand at their opens: instrument i, the account, or nobody."""
    if lane.terms[i].perp == 0 or quotes[i].moving == 0:
        return NOBODY
    if is_crossed(lane):
        return ACCOUNT if surplus(lane, quotes) <= 0.0 else NOBODY
    position, mark = lane.position[i], lane.way[i].mark
    beyond = (position.qty > 0.0 and mark <= position.end) or (position.qty < 0.0 and mark >= position.end)
    return i if beyond else NOBODY


@jit
def failing_on_path(lane, f, n, quotes):
    """Whom the margin fails next on part n, where the path stands at fraction f, and at which fraction it does."""
    whom, at = NOBODY, NEVER
    if is_crossed(lane):
        at = account_fails_at(lane, f, n, quotes)
        return (ACCOUNT if at != NEVER else NOBODY), at
    for i in range(1, len(quotes), 2):
        position, way = lane.position[i], lane.way[i]
        if quotes[i].moving == 1 and position.qty != 0.0:
            a, b = corner(quotes[i].path, n, way.up), corner(quotes[i].path, n + 1, way.up)
            found = fails_at(position, way.mark, f, a, b)
            if found < at:
                whom, at = i, found
    return whom, at


@jit
def fails_at(position, mark, f, a, b):
    """The fraction of the mark's part from a to b, at or after f, where it stands now, at which the position is liquidated, or NEVER."""
    end = position.end
    if position.qty > 0.0:
        if mark <= end:
            return f
        return max(f, (end - a) / (b - a)) if b <= end else NEVER
    if mark >= end:
        return f
    return max(f, (end - a) / (b - a)) if b >= end else NEVER


@jit
def account_fails_at(lane, f, n, quotes):
    """The fraction of part n, at or after f, at which a crossed account has no surplus left; NEVER where it always has one.

    The surplus is concave along the part, so from its end Newton's steps come down to the one place where it is zero.
    """
    if surplus(lane, quotes) <= 0.0:
        return f
    at = 1.0
    short, slope = surplus_at(lane, at, n, quotes)
    if short > 0.0:
        return NEVER
    while short < 0.0 and slope < 0.0:
        nearer = at - short / slope
        if not nearer < at:
            break
        at = nearer
        short, slope = surplus_at(lane, at, n, quotes)
    return max(f, at)


@jit
def surplus_at(lane, f, n, quotes):
    """The surplus at fraction f of part n, quote, and how fast it changes with f."""
    left, slope = lane.account.cash, 0.0
    for i in range(1, len(quotes), 2):
        position, way, bracket = lane.position[i], lane.way[i], quotes[i].bracket
        if position.qty != 0.0:
            mark, speed = way.mark, 0.0
            if quotes[i].moving == 1:
                a = corner(quotes[i].path, n, way.up)
                speed = corner(quotes[i].path, n + 1, way.up) - a
                mark = a + f * speed
            size = abs(position.qty)
            left += position.qty * (mark - position.entry) - maintenance(lane.terms[i], bracket, size * mark)
            slope += speed * (position.qty - size * maintenance_rate(lane.terms[i], bracket, size * mark))
    return left, slope
