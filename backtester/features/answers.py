"""What a rule answers: 1 yes, 0 no, NaN unknown, so that a missing input neither passes nor blocks in silence.

Answers combine as Kleene's logic has it: `both` is no where either is no, whatever the unknown other would be.
A rule whose parameter is switched off is not asked: no.
"""

from backtester.features.basic import NAN, missing, off

YES = 1.0
NO = 0.0


def above(x, limit):
    """Whether `x` is larger than `limit`."""
    if missing(x) or missing(limit):
        return NAN
    return YES if x > limit else NO


def below(x, limit):
    """Whether `x` is smaller than `limit`."""
    return above(limit, x)


def both(a, b):
    """Whether `a` and `b`."""
    return NO if NO in (a, b) else a * b


def either(a, b):
    """Whether `a` or `b`."""
    return YES if YES in (a, b) else a + b


def opposite(answer):
    """No for yes, yes for no."""
    return YES - answer


def asked(param, answer):
    """The answer of a rule that `param` switches on or off."""
    return NO if off(param) else answer


def granted(param, answer):
    """The answer of a claim that `param` switches on or off: yes where it is not asked."""
    return YES if off(param) else answer


def used(param, x):
    """`x`, or unknown where `param` switches off what it is for."""
    return NAN if off(param) else x


def known(x):
    """1.0 where an answer or another number is known, 0.0 where it is not: a part of a coverage."""
    return 0.0 if missing(x) else 1.0
