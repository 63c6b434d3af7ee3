"""Strategies in the loop, lanes one by one and abreast, beside the C twin of a small one: nanoseconds per event and lane, and a sweep.

    python -m benchmarks.stories                all of them
    python -m benchmarks.stories door           some by name

The year's walk is synthetic; all lanes decide differently and share what the market shows. CPU time of one thread, interleaved:
the ratio to C is what can be compared between machines. Before it is timed, every measure of every lane is compared.
"""

import sys
import time
from functools import partial

import numpy as np

from backtester.engine import ways
from backtester.engine.abreast.bind import bind_abreast
from backtester.engine.bind import bind
from backtester.engine.find import find_strategy
from backtester.engine.params import params_of
from backtester.engine.run import run_tile
from backtester.engine.venue import terms_of, venue_of
from benchmarks.kernel import some_params, twin
from benchmarks.support import Support
from benchmarks.year import market as year

STORIES = {  # the parameter in which the lanes differ, from, to; no market hook reads it
    "support": ("premium_delta_bp", 2.0, 8.0),
    "divergence": ("premium_delta_bp", 2.0, 12.0),
    "door": ("turn", 0.2, 0.7),
    "spot_led": ("stop_sigmas", 0.5, 2.0),
    "door_game": ("turn", 0.2, 0.7),
    "spot_bull": ("ceiling_share", 0.2, 0.8),
}
OPEN = {"spot_led": {"oi_drop": -1.0, "flow_min": -1.0}}  # gates that would stay shut in a walk whose takers buy as much as they sell
WIDTHS = (16, 32, 64, 128)
ROUNDS = 5
COMBINATIONS, TILE = 1000, 125


def lanes_of(bound, market, name: str, lanes: int):
    """(params, terms) of as many combinations."""
    parameter, low, high = STORIES[name]
    params = np.repeat(params_of(bound.cls, OPEN.get(name, {})), lanes)
    params[parameter] = np.linspace(low, high, lanes)
    return params, np.repeat(terms_of(venue_of({}), market)[None], lanes, 0)


def spent_by(run) -> float:
    """Seconds of this thread."""
    begin = time.thread_time()
    run()
    return time.thread_time() - begin


def check_equal(name: str, one, two) -> None:
    """Every measure of every lane, to the last bit."""
    for part in ("account", "tally"):
        for field in one.lanes.dtype[part].names:
            np.testing.assert_array_equal(one.lanes[part][field], two.lanes[part][field], err_msg=f"{name}: {part}.{field}")
    np.testing.assert_array_equal(one.samples, two.samples)


def compare(market, bound, name: str, reference) -> None:
    """A line a width: nanoseconds per event and lane both ways, and of C."""
    wide, total = bind_abreast(bound), len(market.streams.events)
    begin = time.perf_counter()
    given = lanes_of(bound, market, name, max(WIDTHS))
    one = run_tile(bound, market, *given)
    middle = time.perf_counter()
    two = run_tile(bound, market, *given, wide)
    print(f"{name:10} first runs {middle - begin:.1f} s one by one, {time.perf_counter() - middle:.1f} s abreast, "
          f"{wide.block.itemsize / ways.WIDTH:.0f} bytes a lane, {int(one.lanes['tally']['fills'].sum()):,} fills", flush=True)
    assert len(one.groups) == 1, f"{name}: {STORIES[name][0]} is read by a market hook"
    check_equal(name, one, two)
    spent: dict = {}
    for _ in range(ROUNDS):
        spent.setdefault("C", []).append(spent_by(reference) / 16)
        for width in WIDTHS:
            given = lanes_of(bound, market, name, width)
            for way in (None, wide):
                run = partial(run_tile, bound, market, *given, way)
                spent.setdefault((width, way), []).append(spent_by(run) / width)
    c = np.array(spent["C"])
    for width in WIDTHS:
        words = [f"{name:10} {width:4} lanes"]
        for way, word in ((None, "one by one"), (wide, "abreast")):
            own = np.array(spent[width, way])
            words.append(f"{word} {own.min() / total * 1e9:6.2f} ns, {np.median(own / c):5.2f} of C")
        print(", ".join(words) + f" ({c.min() / total * 1e9:.2f} ns)", flush=True)


def sweep(market, bound, name: str, reference) -> None:
    """A thousand combinations on one core."""
    params, terms = lanes_of(bound, market, name, COMBINATIONS)
    wide, before, fills = bind_abreast(bound), spent_by(reference), 0
    begin = time.thread_time()
    for at in range(0, COMBINATIONS, TILE):
        rows = slice(at, at + TILE)
        fills += int(run_tile(bound, market, params[rows], terms[rows], wide).lanes["tally"]["fills"].sum())
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
    for name in sys.argv[1:] or STORIES:
        bound = bind(Support if name == "support" else find_strategy(name), market.roles)
        compare(market, bound, name, reference)
        sweep(market, bound, name, reference)


if __name__ == "__main__":
    main()
