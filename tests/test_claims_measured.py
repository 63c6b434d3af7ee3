"""Claims against the market: what comes after a moment, beside what, how sure, and the word for it."""

from dataclasses import replace

import numpy as np
import pytest
from examples import blocks

from backtester.claims import ALL, DOWN, NO_DIFFERENCE, RETURN, UP, Claim, Like, Measure, Verdict, WatchDoors, Watched, begins
from backtester.claims.comments import age
from backtester.claims.document_a import another_burst, leverage_bull
from backtester.claims.document_b import game_begins, third_door, weekend_over
from backtester.claims.judge import ALPHA, CONTROLS, Comparison, Finding, compare_all, held_down, verdict
from backtester.claims.outcomes import CONTRACTS, FALL, FORCED, NEW_HIGH, RISE, VOLATILITY, stretches
from backtester.claims.study import Effect, Study, cells, count_apart, study
from backtester.features.labels import Label
from backtester.features.regime import Regime
from backtester.features.weekend import Time
from backtester.results.bootstrap import drawn_runs, drawn_sums

HOUR = 3_600_000_000_000
NAN = float("nan")


def seen(prices, step=HOUR, **columns) -> Watched:
    """Rows at every close of bars whose opens are `prices`; the last row has no next open."""
    path = np.log(np.array(prices, float))
    ts = (np.arange(len(prices)) + 1) * step
    given = {"sigma": np.full(len(prices), 1e-3)} | {name: np.array(values, float) for name, values in columns.items()}
    return Watched(ts, given, path, step, np.arange(len(prices)) + 1, 0, int(ts[-1]))


def walk(rows: int, seed: int, **columns) -> Watched:
    """A random walk by the hour."""
    rng = np.random.default_rng(seed)
    return seen(100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.005, rows))), **columns)


def marked(expect=UP, hours=(2,), **more) -> Measure:
    """The return after the rows whose column `mark` is 1."""
    return Measure("marked rows", WatchDoors, lambda t, _: t.mark == 1, more.pop("outcome", RETURN), expect, hours, **more)


# ---------------------------------------------------------------- outcomes


def test_what_came_after_is_counted_from_the_next_open():
    t = seen([100, 101, 103, 102, 106, 104])
    bp = [[round(1e4 * np.log(b / a), 6) for b, a in pairs] for pairs in (
        [(102, 101), (106, 103), (104, 102)],          # two hours on
        [(103, 102), (103, 102), (106, 104)],          # the largest fall on the way, from the higher to the lower
        [(103, 101), (106, 103), (106, 102)],          # the largest rise
    )]  # fmt: skip
    for outcome, expected in zip((RETURN, FALL, RISE), bp, strict=True):
        assert [round(x, 6) for x in outcome.of(t, 2)[:3]] == expected
        assert np.isnan(outcome.of(t, 2)[3:]).all()


def test_volatility_is_the_root_of_the_squares():
    t = seen([100, 101, 103, 102, 106, 104])
    steps = np.log([103 / 101, 102 / 103])
    assert VOLATILITY.of(t, 2)[0] == pytest.approx(1e4 * np.sqrt((steps**2).sum()))


def test_a_missing_bar_leaves_the_outcome_unknown():
    t = seen([100, 101, NAN, 102, 106, 104])
    known = [list(np.flatnonzero(np.isfinite(outcome.of(t, 2)))) for outcome in (RETURN, FALL, VOLATILITY)]
    assert known == [[0, 2], [2], [0, 2]]


@pytest.mark.parametrize("points", [1, 2, 3, 5, 8, 13])
def test_stretches_are_what_a_walk_over_each_finds(points):
    path = np.random.default_rng(points).normal(size=40).cumsum()
    windows = [path[i : i + points] for i in range(40 - points + 1)]
    falls = [max(w[i] - w[j] for i in range(points) for j in range(i, points)) for w in windows]
    for found, expected in zip(stretches(path, points), ([w.max() for w in windows], [w.min() for w in windows], falls), strict=True):
        assert found == pytest.approx(expected)


def test_a_new_high_is_above_all_of_two_days():
    prices = [100.0] * 60
    prices[10], prices[53], prices[56] = 105.0, 104.0, 106.0
    t = seen(prices)
    high = NEW_HIGH.of(t, 4)
    assert list(high[[49, 50, 51, 52, 54]]) == [0.0, 0.0, 100.0, 100.0, 100.0]  # the next open is a row later; 53 is no high yet
    assert NEW_HIGH.of(seen([100.0] * 60), 4)[50] == 0.0  # an equal one is none
    assert np.isnan(high[40])  # two days back the data had not begun


def test_what_the_watch_says_later():
    t = seen([100] * 5, contracts=[100, 110, 121, 0, 100], shorts_forced=[0, 3, 3, 4, 5], longs_forced=[0, 1, 5, 5, 5])
    assert list(CONTRACTS.of(t, 2)[:2]) == pytest.approx([21.0, -100.0])
    assert list(FORCED.of(t, 1)[:4]) == [75.0, 0.0, 100.0, 100.0]


# ---------------------------------------------------------------- moments


def test_moments_of_the_claims():
    t = seen([100] * 6, drawing=[0, 3, 3, 4, 5, 5], label=[3, 1, 3, 3, 3, 3], anchor=[NAN, 5, 5, 6, NAN, 6], time=[1, 2, 3, 3, 1, 3],
             bursts=[0, 0, 1, 1, 3, 3])  # fmt: skip
    assert Label.SHORTS_IN == 3
    assert Time.MONDAY == 3
    found = [list(np.flatnonzero(mask)) for mask in (third_door(t, 0), game_begins(t, 0), weekend_over(t), another_burst(t))]
    assert found == [[2, 4], [1, 3, 5], [2, 5], [2, 4]]


def test_a_stretch_begins_where_it_was_not_before():
    assert list(begins(np.array([True, True, False, True, True, False, True]))) == [False, False, False, True, False, False, True]
    assert list(age(np.array([True, True, False, True, False]))) == [1, 2, 0, 1, 0]


def test_a_leveraged_rise_needs_no_takers_of_the_perp():
    t = seen([100] * 4, rise=[0.01] * 4, oi_day=[0.03, 0.03, 0.03, 0.01], annual=[0.2] * 4,
             label=[Regime.UNKNOWN, Regime.LEVERAGE_BULL, Regime.MIXED, Regime.UNKNOWN])  # fmt: skip
    assert list(leverage_bull(t)) == [True, True, False, False]


# ---------------------------------------------------------------- studies


def test_effects_are_differences_of_means():
    """Two tenths of volatility, whatever the hour: events in the wilder rows only."""
    mark = [0, 0, 0, 1] * 30
    t = walk(120, 1, mark=mark, sigma=[1e-3, 2e-3] * 60)
    found = study(marked(like=Like.HOUR_AND_VOLATILITY), t, 2)
    y, event, cell = RETURN.of(t, 2), t.mark == 1, cells(t, Like.HOUR_AND_VOLATILITY)
    known = np.isfinite(y)
    gaps = [y[i] - y[known & ~event & (cell == cell[i])].mean() for i in np.flatnonzero(event & known)]
    assert found.base.value == pytest.approx(y[event & known].mean() - y[known].mean())
    assert found.controls.value == pytest.approx(np.mean(gaps))
    assert found.moments == (event & known).sum()
    assert found.base.influence.sum() == pytest.approx(0.0, abs=1e-9)
    assert found.controls.influence.sum() == pytest.approx(0.0, abs=1e-9)


def test_the_influence_says_how_the_effect_moves():
    """One more copy of a day moves both effects as their influence functions say, to first order."""
    rows = 24 * 200
    t = walk(rows, 2, mark=np.random.default_rng(3).random(rows) < 0.2)
    day = slice(24 * 70, 24 * 71)
    again = replace(t, ts=np.concatenate([t.ts, t.ts[day]]), entry=np.concatenate([t.entry, t.entry[day]]),
                    columns={name: np.concatenate([values, values[day]]) for name, values in t.columns.items()})  # fmt: skip
    measure = marked(like=Like.HOUR)
    before, after = study(measure, t, 2), study(measure, again, 2)
    hours = slice(day.start + 1, day.stop + 1)  # a row closes its hour
    for one, other in ((before.base, after.base), (before.controls, after.controls)):
        assert other.value - one.value == pytest.approx(one.influence[hours].sum(), rel=0.05)


def test_cases_are_a_horizon_apart():
    hours = np.array([0, 1, 2, 5, 6, 30])
    assert [count_apart(hours * HOUR, horizon) for horizon in (0, 2, 5, 24)] == [6, 4, 3, 2]


def test_the_outcome_counts_on_the_claims_side():
    t = walk(200, 4, mark=[1, 0] * 100)
    plain, turned = (study(marked(side=side, like=Like.HOUR), t, 2) for side in (None, lambda t: -np.ones(len(t))))
    assert turned.controls.value == pytest.approx(-plain.controls.value)


# ---------------------------------------------------------------- the bootstrap


def test_runs_add_up_to_the_rows():
    rng = np.random.default_rng(5)
    for rows in (1, 7, 500):
        for mean in (1.0, 3.0, 40.0):
            start, length = drawn_runs(rows, mean, rng)
            assert length.sum() == rows
            assert length.min() >= 1
            assert 0 <= start.min() <= start.max() < rows


def test_sums_of_the_drawn_rows():
    """The same draws, row by row."""
    table, rng = np.random.default_rng(6).normal(size=(50, 2)), np.random.default_rng(9)
    expected = []
    for _ in range(20):
        start, length = drawn_runs(50, 5.0, rng)
        rows = np.concatenate([(first + np.arange(n)) % 50 for first, n in zip(start, length, strict=True)])
        expected.append(table[rows].sum(axis=0))
    assert drawn_sums(table, 5.0, 20, seed=9) == pytest.approx(np.array(expected))


def test_spread_of_the_sums_is_the_law_of_the_stationary_bootstrap():
    """Politis and Romano (1994): n * sum over lags of ((1 - k/n) keep^k + (k/n) keep^(n-k)) * autocovariance."""
    rng, n, mean = np.random.default_rng(7), 300, 6.0
    x = np.convolve(rng.normal(size=n + 8), np.ones(9), "valid")
    centred, keep, lags = x - x.mean(), 1.0 - 1.0 / mean, np.arange(1, n)
    covariance = np.array([(centred[: n - k] * centred[k:]).sum() / n for k in range(n)])
    weight = (1.0 - lags / n) * keep**lags + lags / n * keep ** (n - lags)
    expected = n * (covariance[0] + 2.0 * (weight * covariance[1:]).sum())
    drawn = drawn_sums(x[:, None], mean, 8000, seed=1)[:, 0]
    assert drawn.var() == pytest.approx(expected, rel=0.05)


def test_the_spread_is_that_of_a_kept_library():
    arch = pytest.importorskip("arch.bootstrap", reason="arch is an extra of development")
    x = np.convolve(np.random.default_rng(8).normal(size=408), np.ones(9), "valid")
    theirs = [float(data[0][0].sum()) for data in arch.StationaryBootstrap(12, x, seed=3).bootstrap(3000)]
    ours = drawn_sums(x[:, None], 12.0, 3000, seed=4)[:, 0]
    assert ours.std() == pytest.approx(np.std(theirs), rel=0.06)
    assert ours.mean() == pytest.approx(np.mean(theirs), abs=6.0 * np.std(theirs) / np.sqrt(3000))


# ---------------------------------------------------------------- verdicts


def finding(expect, effect, q=0.01, parts=(1.0, 1.0, 1.0), near=(), against=None) -> Finding:
    """A finding of so large an effect against both."""
    sign = np.sign(effect)
    study_ = Study(marked(expect), 2, 50, 50, 0.0, Effect(effect, 0.0, np.zeros(1)), Effect(effect, 0.0, np.zeros(1)),
                   tuple(sign * np.array(parts)), tuple(sign * np.array(near)))  # fmt: skip
    rows = [Comparison("any time", effect, 0, 0, 0, q, q), Comparison(CONTROLS, effect if against is None else against, 0, 0, 0, q, q)]
    return Finding(study_, tuple(rows))


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([finding(UP, 5.0)], Verdict.SUPPORTED),
        ([finding(UP, -5.0)], Verdict.CONTRADICTED),
        ([finding(DOWN, -5.0)], Verdict.SUPPORTED),
        ([finding(UP, 5.0, q=0.06)], Verdict.NOT_SHOWN),                       # chance, among so many
        ([finding(UP, 5.0, against=-5.0)], Verdict.NOT_SHOWN),                 # more than at any time, less than at moments alike
        ([finding(UP, 5.0, parts=(1.0, -1.0, 1.0))], Verdict.NOT_SHOWN),       # not in every third of the time
        ([finding(UP, 5.0, parts=(1.0, NAN, NAN))], Verdict.NOT_SHOWN),        # all in one third
        ([finding(UP, 5.0, near=(1.0, 1.0, -1.0, -1.0))], Verdict.NOT_SHOWN),  # a point, no plateau
        ([finding(UP, 5.0, near=(1.0, 1.0, 1.0, -1.0))], Verdict.SUPPORTED),
        ([finding(UP, 5.0), finding(UP, -5.0)], Verdict.NOT_SHOWN),            # two horizons that contradict each other
        ([finding(UP, 5.0), finding(UP, -5.0, q=0.5)], Verdict.SUPPORTED),
        ([finding(NO_DIFFERENCE, 5.0)], Verdict.CONTRADICTED),
        ([finding(NO_DIFFERENCE, 5.0, q=0.5)], Verdict.NOT_SHOWN),
        ([], Verdict.NOT_SHOWN),
    ],
)  # fmt: skip
def test_the_word_for_it(findings, expected):
    assert verdict(findings) == expected


def test_false_discoveries_are_held_down():
    """Benjamini and Yekutieli by hand: p * m / rank times the sum of 1/k, the smallest of those from there on."""
    more = 1 + 1 / 2 + 1 / 3 + 1 / 4
    assert held_down([0.01, 0.04, 0.03, 0.3]) == pytest.approx([0.04 * more, 0.16 / 3 * more, 0.16 / 3 * more, 0.3 * more])
    assert held_down([]) == []


def test_a_planted_rise_is_found_and_a_random_walk_is_not():
    """Hours marked at random; after each of them the price rises by 40 bp in two hours, or by nothing."""
    rows = 24 * 150
    mark = np.random.default_rng(10).random(rows) < 0.03
    found = []
    for rise in (0.0, 0.002):
        noise = np.random.default_rng(11).normal(0.0, 0.003, rows)
        for later in (2, 3):
            noise[later:] += rise * mark[:-later]
        t = seen(100.0 * np.exp(np.cumsum(noise)), mark=mark)
        found.append(compare_all([study(marked(), t, 2)], rows, seed=0)[0])
    assert [verdict([each]) for each in found] == [Verdict.NOT_SHOWN, Verdict.SUPPORTED]
    assert [each.study.cases > 60 for each in found] == [True, True]
    low, high = found[1].compared[1].low, found[1].compared[1].high
    assert low < 40.0 < high
    assert max(row.q for row in found[1].compared) < ALPHA


def test_rows_of_any_grid_count_by_the_markets_hours():
    """Rows of one watch begin later than those of another: both fall into the same hours."""
    t = walk(24 * 60, 15, mark=np.arange(24 * 60) % 30 == 5)
    late = replace(t, ts=t.ts[3:], entry=t.entry[3:], columns={name: values[3:] for name, values in t.columns.items()})
    found = compare_all([study(marked(like=Like.HOUR), rows, 2) for rows in (t, late)], 24 * 60, seed=0)
    assert [len(each.study.base.influence) for each in found] == [24 * 60 + 1] * 2
    assert found[0].study.mean == found[1].study.mean


def test_too_few_cases_are_not_compared():
    t = walk(24 * 150, 12, mark=np.arange(24 * 150) % 400 == 50)
    found = compare_all([study(marked(), t, 2), study(marked(), t, 200)], 24 * 150, seed=0)
    assert [each.why for each in found] == ["9 separate cases; 10 are needed"] * 2
    busy = walk(24 * 30, 13, mark=np.arange(24 * 30) % 30 == 5)
    assert compare_all([study(marked(), busy, 24)], 24 * 30, seed=0)[0].why == ""
    assert compare_all([study(marked(), busy, 48)], 24 * 30, seed=0)[0].why == "the data are too short: 48 days are needed"


def test_the_seed_is_the_only_chance():
    t = walk(24 * 60, 14, mark=np.arange(24 * 60) % 30 == 5)
    one, same, other = (compare_all([study(marked(), t, 2)], 24 * 60, seed)[0].compared for seed in (0, 0, 1))
    assert one == same
    assert one != other


# ---------------------------------------------------------------- the registry


def test_every_claim_of_the_table_is_here_once():
    numbers = [claim.number for claim in ALL]
    comments = ["C1", "C2", "C3", "C4", "C5", "C6", *(f"C7{letter}" for letter in "abcdefg"), "C8"]
    assert numbers == [f"B{k}" for k in range(1, 19)] + [f"A{k}" for k in range(1, 22)] + comments
    assert all(claim.against in ("", *numbers) for claim in ALL)


def test_quotes_are_those_of_the_table():
    """Word by word, an ellipsis where words were left out."""
    from pathlib import Path

    told = (Path(__file__).parents[1] / "docs" / "claims.md").read_text(encoding="utf-8")
    lines = {row.split("|")[1].strip(): row for row in told.splitlines() if row.startswith("| ")}

    def words(text):
        return "".join(c for c in text.lower() if c.isalnum() or c.isspace()).split()

    def parts(claim):
        return [" ".join(words(part)) for part in claim.quote.split("…")]

    assert [claim.number for claim in ALL if not all(part in " ".join(words(lines[claim.number])) for part in parts(claim))] == []


def test_thresholds_around_the_default_are_around_it():
    odd = [m.about for claim in ALL for m in claim.measures if m.near and not m.knob and not min(m.near) < m.at < max(m.near)]
    knobs = [m for claim in ALL for m in claim.measures if m.knob]
    for m in knobs:
        default = getattr(m.watch.Params, m.knob)
        assert default not in m.near
        if not min(m.near) < default < max(m.near):
            odd.append(m.about)
    assert len(knobs) > 15
    assert odd == []


def test_a_claim_of_ones_own(tmp_path):
    from backtester.claims.find import claims_of
    from backtester.errors import UserError

    file = tmp_path / "mine.py"
    file.write_text(blocks("docs/measured.md")[0])
    assert [(claim.number, claim.measures[0].hours) for claim in claims_of(file)] == [("X1", (24, 72))]
    assert isinstance(claims_of(file)[0], Claim)
    for text, message in (("CLAIM = 3\n", "has no CLAIM"), ("", "has no CLAIM")):
        other = tmp_path / f"other{len(text)}.py"
        other.write_text(text)
        with pytest.raises(UserError, match=message):
            claims_of(other)
    with pytest.raises(UserError, match="no Python file"):
        claims_of(tmp_path / "nowhere.py")
