"""The strategies of the two posts in the loop, beside the C twin of a small one: nanoseconds per event and lane, and a sweep.

The year's walk is synthetic; all lanes decide differently and share what the market shows. CPU time of one thread, interleaved:
the ratio to C is what can be compared between machines.
"""

import time

import numpy as np

from backtester.engine.bind import bind
from backtester.engine.find import find_strategy
from backtester.engine.params import params_of
from backtester.engine.run import run_tile
from backtester.engine.venue import terms_of, venue_of
from benchmarks.kernel import some_params, twin
from benchmarks.support import Support
from benchmarks.year import market as year

STORIES = {  # the parameter in which the lanes differ, from, to; no market hook reads it
    "door": ("turn", 0.2, 0.7),
    "spot_led": ("stop_sigmas", 0.5, 2.0),
    "door_game": ("turn", 0.2, 0.7),
    "spot_bull": ("ceiling_share", 0.2, 0.8),
}
WIDTHS = (1, 32, 128)
ROUNDS = 5
COMBINATIONS, WIDTH = 1000, 125


def lanes_of(bound, market, name: str, lanes: int):
    """(params, terms) of as many combinations."""
    parameter, low, high = STORIES[name]
    params = np.repeat(params_of(bound.cls, {}), lanes)
    params[parameter] = np.linspace(low, high, lanes)
    return params, np.repeat(terms_of(venue_of({}), market)[None], lanes, 0)


def spent_by(run) -> float:
    """Seconds of this thread."""
    begin = time.thread_time()
    run()
    return time.thread_time() - begin


def compare(market, bound, name: str, reference) -> None:
    """One line: nanoseconds per event and lane at every width, and of C."""
    total, pairs = len(market.streams.events), {}
    for width in WIDTHS:
        params, terms = lanes_of(bound, market, name, width)
        groups = len(run_tile(bound, market, params, terms).groups)
        assert groups == 1, f"{name}: {groups} groups: {STORIES[name][0]} is read by a market hook"
    for _ in range(ROUNDS):
        own = spent_by(reference) / 16
        for width in WIDTHS:
            given = lanes_of(bound, market, name, width)
            pairs.setdefault(width, []).append((spent_by(lambda given=given: run_tile(bound, market, *given)) / width, own))
    for width, both in pairs.items():
        loop, c = np.array(both).T
        line = f"{min(loop) / total * 1e9:7.2f} ns per event and lane, {np.median(loop / c):6.2f} of C ({min(c) / total * 1e9:.2f} ns)"
        print(f"{name:10} {width:4} lanes {line}", flush=True)


def sweep(market, bound, name: str, reference) -> None:
    """A thousand combinations on one core."""
    params, terms = lanes_of(bound, market, name, COMBINATIONS)
    before = spent_by(reference)
    tiles = [slice(at, at + WIDTH) for at in range(0, COMBINATIONS, WIDTH)]
    fills = 0
    begin = time.thread_time()
    for rows in tiles:
        fills += int(run_tile(bound, market, params[rows], terms[rows]).lanes["tally"]["fills"].sum())
    spent = time.thread_time() - begin
    c = 0.5 * (before + spent_by(reference)) / 16 * COMBINATIONS
    bars = COMBINATIONS * len(market.tables["perp_bars", 1])
    line = f"{COMBINATIONS:,} combinations over a year of minutes, one core: {spent:.1f} s, {bars / spent / 1e6:.0f} M bars a second"
    print(f"{name:10} {line}, {fills:,} fills; as many of the small strategy in C: {c:.1f} s", flush=True)


def main() -> None:
    """Print the table."""
    market = year()
    small = bind(Support)
    reference = twin(market, terms_of(venue_of({}), market), some_params(small, 16))
    reference()
    for name in STORIES:
        bound = bind(find_strategy(name), market.roles)
        compare(market, bound, name, reference)
        sweep(market, bound, name, reference)


if __name__ == "__main__":
    main()
