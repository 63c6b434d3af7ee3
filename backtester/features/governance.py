"""C7e, the governance gate: "first look at the voting data of governance proposals". No entry while a vote is undecided.

The votes come as exogenous rows of one tag: weight above zero, a vote is undecided from now on; zero or less, it is
decided. Off by default; switched on, it is unknown until the first row.
"""

from backtester.features.answers import NO, above
from backtester.features.basic import NAN

OFF = -1  # a tag that no row has


class Governance:
    """Whether a vote is open."""

    undecided: float = NO  # 1 yes, 0 no
    tag: int = OFF


def start_governance(f, tag):
    """Set the tag's code; -1 leaves the gate off."""
    f.tag = tag
    f.undecided = NO if tag == OFF else NAN


def see_governance(f, x):
    """Take in one exogenous row."""
    if f.tag != OFF and x.tag == f.tag:
        f.undecided = above(x.weight, 0.0)
