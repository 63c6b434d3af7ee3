"""How everything in the loop is compiled, and where it is kept: one set of options, part of every kernel's key.

The engine's own functions know nothing of a strategy: they are compiled once, and kept in a folder named by the fingerprint
of the engine's sources, since numba's cache looks at one file alone and would run a stale callee.
"""

import hashlib
import os
import sys
from functools import cache
from pathlib import Path

import numba
import numpy as np
from llvmlite.binding import get_host_cpu_features
from numba.core.registry import cpu_target

HERE = Path(__file__).parent

# From about 40 lanes on LLVM turns small lane loops into gathers that are 4-5 times slower. Set before anything compiles.
numba.config.LOOP_VECTORIZE = 0

# Processors with AVX512-FP16 do not slow down for 64-byte vectors; LLVM prefers those of 32 bytes on them as well.
if numba.config.CPU_FEATURES is None and numba.config.ENABLE_AVX and (found := get_host_cpu_features()).get("avx512fp16"):
    numba.config.CPU_FEATURES = f"{found.flatten()},-prefer-256-bit"

# No fastmath of any kind: it changes results. error_model numpy: a division by zero is inf or NaN, as in the records.
# _nrt False: nothing in the loop allocates, so nothing counts references. With counting, handing arrays from function to
# function costs atomic increments: 745 ns a bar against 92, all else equal. numba does not document the flag; tests/test_bind.py holds it.
OPTIONS = {"nogil": True, "error_model": "numpy", "_nrt": False}

# Functions of the loop are called by the loop alone: without wrappers for Python they compile faster.
fresh = numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)
pasted = numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True, **OPTIONS)


def cache_folder(kind: str) -> Path:
    """Where what was compiled is kept (`engine`, `loops`, `pages`): in BACKTESTER_CACHE, else in the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(os.environ.get("BACKTESTER_CACHE") or Path(home) / "backtester") / kind
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@cache
def engine_key() -> str:
    """The fingerprint of all that the engine's compiled functions depend on."""
    sources = [*sorted(HERE.rglob("*.py")), HERE.parent / "records.py", HERE.parent / "orders.py"]
    versions = f"{sorted(OPTIONS.items())} {numba.__version__} {np.__version__} {sys.version}"
    return hashlib.blake2b(b"\0".join([versions.encode(), *(file.read_bytes() for file in sources)]), digest_size=12).hexdigest()


def jit(fn):
    """Compile a function of the engine, once on this machine."""
    return kept(fresh(fn))


def piece(fn):
    """As `jit`, pasted by LLVM into what calls it: a call costs some twenty words of arguments, arrays being passed by their parts."""
    return kept(pasted(fn))


def kept(out):
    """Keep what is compiled of an engine's function."""
    if not plain():
        before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(cache_folder("engine") / engine_key())
        out.enable_caching()
        numba.config.CACHE_DIR = before
    return out


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
