"""Finding a strategy: a name in strategies/, a file anywhere, or a class at hand."""

import importlib.util
import re
import sys
from pathlib import Path

from backtester.checkout import ROOT
from backtester.errors import UserError

STRATEGIES = ROOT / "strategies"
HOOKS = ("see_", "on_")
BAR_HOOK = re.compile(r"(?:see|on)_(?:([a-z][a-z0-9]*)_)?(spot|perp|pair)")  # of an asset, none for the first
KINDS = {"pair": ("spot", "perp"), "spot": ("spot",), "perp": ("perp",)}  # what each needs


def find_strategy(strategy) -> type:
    """The strategy class of a name, a file or a class. Raises UserError that says what there is."""
    if isinstance(strategy, type):
        return strategy
    text = str(strategy)
    path = Path(text).expanduser() if text.endswith(".py") else STRATEGIES / f"{text}.py"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in STRATEGIES.glob("*.py") if p.stem != "__init__"))
        raise UserError(f"no strategy {text!r}: {path} does not exist (strategies are {known}, or give a file that ends in .py)")
    return only_class(load_file(path.resolve()), path)


def load_file(path: Path):
    """The module of a file, fresh from its source; helpers beside it can be imported."""
    name = f"strategies.{path.stem}" if path.parent == STRATEGIES else f"strategy_file_{path.stem}"
    if name in sys.modules and getattr(sys.modules[name], "__file__", None) == str(path):
        return sys.modules[name]
    for folder in (str(path.parent), str(ROOT)):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    keep, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # a .pyc of the same second and size would be old code
    try:
        spec.loader.exec_module(module)
    except UserError:
        raise
    except Exception as error:
        del sys.modules[name]
        raise UserError(f"{path}: cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.dont_write_bytecode = keep
    return module


def only_class(module, path: Path) -> type:
    """The one class of a strategy file that has hooks."""
    classes = [value for value in vars(module).values() if isinstance(value, type) and value.__module__ == module.__name__]
    hooked = [cls for cls in classes if any(name.startswith(HOOKS) for name in dir(cls))]
    own = [cls for cls in hooked if not any(cls in other.__mro__[1:] for other in hooked)]
    if len(own) != 1:
        names = ", ".join(c.__name__ for c in own) or "none"
        raise UserError(f"{path}: a strategy file has one class with hooks (see_bar, on_bar, …), this one has {names}")
    return own[0]


def reasons_of(cls: type) -> dict[int, str]:
    """The words of a strategy's order reasons: its module's `Reason` enum, by code."""
    enum = getattr(sys.modules.get(cls.__module__), "Reason", None)
    if enum and min(enum) < 0:
        raise UserError(f"{cls.__module__}.Reason: {min(enum).name} is negative; codes below 0 are the venue's own")
    return {member.value: member.name.lower().replace("_", " ") for member in enum} if enum else {}


def demand_roles(cls: type, market) -> None:
    """Raises UserError where a hook waits for bars that the market has not: such a strategy would never be called."""
    for hook in dir(cls):
        found = BAR_HOOK.fullmatch(hook)
        can_do_without = found and found[1] in getattr(cls, "optional", ())
        for kind in KINDS[found[2]] if found and not can_do_without else ():
            role = f"{found[1]}_{kind}" if found[1] else kind
            if role not in market.roles or (f"{kind}_bars", market.roles.index(role)) not in market.spans:
                raise UserError(f"{cls.__name__}.{hook} needs {role} bars, and data set {market.name!r} has none: "
                                f"fetch them with backtester data fetch, or bind the role in conf/data (data.roles)")
