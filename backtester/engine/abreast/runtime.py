"""What the code for lanes abreast calls: a selection without a branch, a place in an array that may be missed, casts."""

import numba
from numba.core import types
from numba.extending import intrinsic

from backtester.engine.jit import inline, plain

if plain():

    def select(c, a, b):
        """`a` where `c` holds, else `b`; both were computed."""
        return a if c else b

    def int64(x):
        """A whole number; what is none was not asked for."""
        return int(x) if abs(x) < 2.0**63 else 0

    float64 = float

else:
    int64, float64 = numba.int64, numba.float64

    @intrinsic
    def select(context, c, a, b):
        """`a` where `c` holds, else `b`; both were computed."""
        kind = context.unify_types(a, b)

        def build(target, builder, signature, arguments):
            condition, *values = arguments
            yes, no = (target.cast(builder, value, own, kind) for value, own in zip(values, (a, b), strict=True))
            return builder.select(condition, yes, no)

        return kind(types.boolean, a, b), build


@inline
def at(array, i):
    """A place of an array; where it lies outside, what is read was not asked for."""
    return array[i] if -len(array) <= i < len(array) else array[0]
