"""Binding a strategy into the loop: hooks checked, compiled with their helpers, cached by content.

The loop's file is copied under the fingerprint of all it depends on, so numba's cache of it can never be
stale: an edited helper has another name. Where NUMBA_DISABLE_JIT is set the same file runs as plain Python.
"""

import importlib.util
import logging
import os
import re
import sys
import types
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backtester import orders, records
from backtester.engine import jit, state
from backtester.engine.fingerprint import Weaver, place
from backtester.engine.listen import RECORDS
from backtester.engine.scan import Scan, Shape, shape_of
from backtester.errors import UserError
from backtester.fields import dtype_of

LOG = logging.getLogger(__name__)
HERE = Path(__file__).parent
KERNEL = HERE / "kernel.py"
NUMBERED = {  # the verbs of orders with numbers of their own: a loop without them is compiled without a book
    orders.market_order, orders.limit, orders.stop, orders.stop_limit, orders.take_profit, orders.trailing_stop, orders.bracket,
    orders.oco, orders.cancel, orders.cancel_all, orders.amend,
}


@dataclass(frozen=True, eq=False)
class Bound:
    """A strategy in the loop."""

    name: str
    key: str                    # fingerprint of everything that the compiled loop depends on
    kernel: types.ModuleType    # begin, advance
    params: np.dtype
    lane: np.dtype              # what the venue keeps of a combination
    mind: np.dtype              # what the strategy keeps of it
    group: np.dtype
    trace: np.dtype
    grouped_by: tuple[str, ...] # the parameters that market hooks read
    cls: type
    roles: tuple[str, ...]
    names: dict                 # of the kernel's module: what this loop is made of
    hooks: dict                 # name -> plain function
    helpers: dict               # plain function -> compiled, the hooks and what they call


def hook_arguments(own: dict, roles: tuple[str, ...]) -> dict:
    """Hook name -> the shapes of its arguments, in order."""
    seen, s, p = own["seen"], own["state"], own["params"]
    bar = shape_of(records.BAR, "the market")
    account = shape_of(state.ACCOUNT, "the engine")
    held = [name for name in state.POSITION.names if name not in state.SCRATCH]
    position, ask = shape_of(state.POSITION[held], "the engine"), shape_of(state.ASK, "the engine")
    wishes = shape_of(state.wishes_dtype(False), "the engine")
    tradable = Shape({"index": None, "bar": bar, "position": position, "ask": ask, "account": account, "wishes": wishes}, "the engine")
    fields = {"ts": None, "account": account, "seen": shape_of(own["seen_dtype"], "the market hooks")} | dict.fromkeys(roles, tradable)
    ctx = Shape(fields, "the engine")
    hooks = {"see_start": (seen, p), "on_start": (ctx, s, p), "on_bar": (ctx, s, p), "trace": (ctx, s, p, own["trace"])}
    records_hooks = {"exogenous": records.EXOGENOUS}
    for prefix in (role.removesuffix("spot") for role in roles[::2]):
        hooks |= {f"see_{prefix}{kind}": (bar, seen, p) for kind in ("spot", "perp")}
        hooks |= {f"see_{prefix}pair": (bar, bar, seen, p), f"on_{prefix}pair": (ctx, s, p)}
        records_hooks |= {prefix + name: records.STREAMS[stream] for name, (stream, _) in RECORDS.items()}
    for name, dtype in records_hooks.items():
        x = shape_of(dtype, "the market")
        hooks |= {f"see_{name}": (x, seen, p), f"on_{name}": (ctx, x, s, p)}
    return hooks


def members(cls) -> dict:
    """Everything a class defines, its bases included."""
    return {name: value for base in reversed(cls.__mro__) for name, value in vars(base).items()}


def hooks_of(cls, known: dict) -> dict:
    """The strategy's hooks by name. Raises UserError for an unknown one or a wrong number of arguments."""
    found = {}
    for name, value in members(cls).items():
        if not name.startswith(("see_", "on_")) and name != "trace":
            continue
        fn = value.__func__ if isinstance(value, staticmethod) else value
        if not isinstance(fn, types.FunctionType) or fn.__name__ == "<lambda>":
            raise UserError(f"{cls.__module__}.{cls.__name__}.{name}: write the hook as a plain `def {name}(...)`")
        if name not in known and asset_of(name) in getattr(cls, "optional", ()):
            continue
        if name not in known:
            raise UserError(f"{place(fn)}: {cls.__name__}.{name} is no hook (there are {', '.join(known)})")
        if fn.__code__.co_argcount != len(known[name]):
            given, takes = len(known[name]), fn.__code__.co_argcount
            raise UserError(f"{place(fn)}: {cls.__name__}.{name} takes {takes} arguments, the loop calls it with {given}")
        found[name] = fn
    return found


def asset_of(hook: str) -> str:
    """The word that the name of a further asset's hook has second: `eth` of `see_eth_spot`."""
    return hook.split("_")[1]


def scan_hooks(hooks: dict, known: dict) -> tuple[str, ...]:
    """Check the hooks' sources; returns the parameters that the market hooks read."""
    market, lanes = Scan(), Scan()
    for name, fn in hooks.items():
        names = fn.__code__.co_varnames[: fn.__code__.co_argcount]
        (market if name.startswith("see_") else lanes).function(fn, dict(zip(names, known[name], strict=True)))
    return tuple(sorted(market.reads))


def load_kernel(name: str, key: str, names: dict) -> types.ModuleType:
    """The loop as a module, its undefined names set."""
    path = KERNEL
    if not jit.plain():
        path = jit.cache_folder("loops") / f"loop_{key}.py"
        if not path.exists():
            LOG.info("compiling %s: once, about %s; the result is kept", name, "half a minute" if names["ABREAST"] else "ten seconds")
            draft = path.with_suffix(f".{os.getpid()}")
            draft.write_bytes(KERNEL.read_bytes())
            os.replace(draft, path)
    module_name = f"backtester.engine._loop_{key}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # before it runs: its cached code looks it up here
    vars(module).update(names)
    spec.loader.exec_module(module)
    return module


def bind(cls: type, roles: tuple[str, ...] = records.ROLES) -> Bound:
    """Bind strategy class `cls` into a loop over instruments of these roles. Raises UserError with file and line."""
    params, own_state, seen, trace = (dtype_of(getattr(cls, part, None)) for part in ("Params", "State", "Seen", "Trace"))
    for name in params.names:
        if params[name].names or params[name].subdtype:
            raise UserError(f"{cls.__name__}.Params.{name}: a parameter is one number or one choice")
    own = {
        "params": shape_of(params, "params"), "state": shape_of(own_state, "State", True), "seen": shape_of(seen, "Seen", True),
        "trace": shape_of(trace, "Trace", True), "seen_dtype": seen,
    }
    known = hook_arguments(own, roles)
    hooks = hooks_of(cls, known)
    grouped_by = scan_hooks(hooks, known)
    weaver = Weaver()
    compiled = {}
    for name, fn in sorted(hooks.items()):
        weaver.put(name)
        woven = weaver.weave(fn)
        compiled[name] = fn if jit.plain() else woven
    numbered = not NUMBERED.isdisjoint(weaver.woven)
    lane, mind, group = state.lane_dtype(len(roles), numbered), state.mind_dtype(own_state, params), state.group_dtype(seen, params)
    weaver.put(roles, lane, mind, group, trace, jit.engine_key())
    key = weaver.hash.hexdigest()
    names = {"ROLES": roles, "HOOKS": compiled, "NUMBERED": numbered, "CACHE": not jit.plain(), "ABREAST": None, "AGAIN": {}}
    kernel = load_kernel(cls.__name__, key, names)
    return Bound(cls.__name__, key, kernel, params, lane, mind, group, trace, grouped_by, cls, roles, names, hooks, weaver.woven)


def explain(error: Exception, bound: Bound) -> UserError:
    """A compile error of numba as one message with the strategy's own file and line."""
    text = str(error)
    if "NRT required" in text:
        text = "a hook or one of its helpers makes a list, an array or a text; hooks use numbers and the fields of their records"
    places = [(Path(file).resolve(), line) for file, line in re.findall(r'File "([^"]+)", line (\d+)', text)]
    places = [(file, line) for file, line in places if file.parent not in (HERE, jit.cache_folder("loops").resolve())]
    reason = next((line.strip() for line in text.splitlines() if line.strip() and not line.startswith("Failed in")), type(error).__name__)
    where = f"{places[-1][0]}:{places[-1][1]}" if places else bound.name
    return UserError(f"{where}: this cannot be compiled: {reason}")
