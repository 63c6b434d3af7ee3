"""A strategy's loop for lanes abreast: its code written, kept beside the loop to be read, compiled as vectors."""

import os
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import ModuleType

import numba
import numpy as np
from numba.core.compiler_lock import global_compiler_lock

from backtester.engine import jit
from backtester.engine.abreast.again import write_again
from backtester.engine.abreast.written import write
from backtester.engine.bind import Bound, load_kernel


@dataclass(frozen=True)
class Abreast:
    """What runs a strategy's lanes abreast."""

    kernel: ModuleType          # its advance takes blocks
    block: np.dtype
    escapes: tuple[str, ...]    # file:line: why lanes leave a block for one instant, to run one by one
    whole: tuple[str, ...]      # file:line: why all of them do, at every instant: no gain


@cache
def bind_abreast(bound: Bound) -> Abreast:
    """The loop for lanes abreast of a bound strategy; compiled when it is first run."""
    written = write(bound.roles, bound.hooks, bound.helpers, bound.lane, bound.mind, bound.group["seen"])
    again, seen_again = write_again(bound)
    key = f"{bound.key}_abreast"
    path = jit.cache_folder("loops") / f"lanes_{key}.py"
    if not jit.plain():
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(f"{written.source}\n\n{seen_again}")
        os.replace(draft, path)
    code: dict = dict(written.globals)
    exec(compile(written.source, str(path), "exec"), code)
    functions = {name: fn if jit.plain() else jit.fresh(fn) for name, fn in code.items() if name in written.functions}
    kernel = load_kernel(bound.name, key, bound.names | {"ABREAST": functions, "AGAIN": again})
    return Abreast(kernel, written.block, written.escapes, written.whole)


def is_compiled(bound: Bound) -> bool:
    """Whether that loop was compiled on this machine before."""
    return any((jit.cache_folder("loops") / "__pycache__").glob(f"loop_{bound.key}_abreast.advance-*.nbi"))


@contextmanager
def vectors():
    """Compiling with LLVM's vectorisers, which blocks want and lanes that run one by one do not; no other thread compiles meanwhile."""
    with global_compiler_lock:
        before = numba.config.LOOP_VECTORIZE, numba.config.SLP_VECTORIZE
        numba.config.LOOP_VECTORIZE = numba.config.SLP_VECTORIZE = 1
        try:
            yield
        finally:
            numba.config.LOOP_VECTORIZE, numba.config.SLP_VECTORIZE = before


def compile_for(kernel: ModuleType, records: tuple) -> None:
    """Compile a loop over blocks for records of these types, or find it in the cache."""
    if jit.plain() or kernel.ABREAST is None:
        return
    kinds = tuple(kernel.advance.typeof_pyval(each) for each in records)
    if kinds not in kernel.advance.overloads:
        with vectors():
            kernel.advance.compile(kinds)
