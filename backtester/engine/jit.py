"""How everything in the loop is compiled: one set of options, part of every kernel's key."""

import numba

# From about 40 lanes on LLVM turns small lane loops into gathers that are 4-5 times slower. Set before anything compiles.
numba.config.LOOP_VECTORIZE = 0

# No fastmath of any kind: it changes results. error_model numpy: a division by zero is inf or NaN, as in the records.
# _nrt False: nothing in the loop allocates, so nothing counts references. With counting, handing arrays from function to
# function costs atomic increments, 745 ns a bar instead of 30. numba does not document the flag; tests/test_jit.py holds it.
OPTIONS = {"nogil": True, "error_model": "numpy", "_nrt": False}

# Functions of the loop are called by the loop alone: without wrappers for Python they compile faster.
jit = numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)

# Pasted into the caller by numba itself: the one way in which compiled code can return a tuple of records.
inline = numba.njit(inline="always", **OPTIONS)


def plain() -> bool:
    """Whether NUMBA_DISABLE_JIT runs everything as plain Python."""
    return bool(numba.config.DISABLE_JIT)
