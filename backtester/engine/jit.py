"""How everything in the loop is compiled: one set of options, part of every kernel's key."""

import sys

import numba
from numba.core.registry import cpu_target

# From about 40 lanes on LLVM turns small lane loops into gathers that are 4-5 times slower. Set before anything compiles.
numba.config.LOOP_VECTORIZE = 0

# No fastmath of any kind: it changes results. error_model numpy: a division by zero is inf or NaN, as in the records.
# _nrt False: nothing in the loop allocates, so nothing counts references. With counting, handing arrays from function to
# function costs atomic increments: 745 ns a bar against 92, all else equal. numba does not document the flag; tests/test_bind.py holds it.
OPTIONS = {"nogil": True, "error_model": "numpy", "_nrt": False}

# Functions of the loop are called by the loop alone: without wrappers for Python they compile faster.
jit = numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)

# Pasted into the caller by numba itself: the one way in which compiled code can return a tuple of records.
inline = numba.njit(inline="always", **OPTIONS)


def start() -> None:
    """numba's own start, 0.3 s on first use: in a thread, a command does it while the data are read.

    numba looks for BLAS in scipy.linalg, an import of 0.2 s for what no loop here uses: for a command's own process it is hidden.
    """
    hidden = sys.modules.setdefault("scipy.linalg", None) is None  # type: ignore[arg-type]
    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()
    if hidden:
        del sys.modules["scipy.linalg"]


def plain() -> bool:
    """Whether NUMBA_DISABLE_JIT runs everything as plain Python."""
    return bool(numba.config.DISABLE_JIT)
