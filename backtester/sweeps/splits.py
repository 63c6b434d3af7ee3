"""Splits of time: where parameters are chosen, and where the choice is tried."""

from typing import NamedTuple

from backtester.errors import UserError

MINUTE = 60_000_000_000  # ns


class Split(NamedTuple):
    """One choice and its test, half-open, ns UTC."""

    train_start: int
    train_end: int
    test_start: int
    test_end: int


def walk(start: int, end: int, folds: int, train: int = 1, anchored: bool = False, embargo: int = 0) -> list[Split]:
    """Walk-forward splits: the time is cut into `train` + `folds` equal parts, each of the last `folds` is a test.

    Rolling, the `train` parts before a test choose for it; anchored, all that lie before it. `embargo` ns at the end of
    the training are left out, so that nothing decided there reaches into the test. UserError where nothing is left.
    """
    if folds < 1 or train < 1:
        raise UserError(f"walk-forward: {folds} folds after {train} parts: both have to be 1 or more")
    part = (end - start) // (train + folds) // MINUTE * MINUTE
    if embargo < 0 or embargo >= part * train:
        raise UserError(f"walk-forward: an embargo of {embargo / 3.6e12:g} h leaves nothing of {part * train / 3.6e12:g} h of training")
    edges = [start + part * n for n in range(train + folds)] + [end]
    return [
        Split(start if anchored else edges[n], edges[n + train] - embargo, edges[n + train], edges[n + train + 1]) for n in range(folds)
    ]
