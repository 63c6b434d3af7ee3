"""The code for lanes abreast as Python source: a loop over a block's columns for each region, and what moves lanes in and out."""

from dataclasses import dataclass

import numpy as np

from backtester.engine.abreast import runtime
from backtester.engine.abreast.lines import column_name
from backtester.engine.abreast.regions import Branch, Leaf, Story, grow, leaves_of
from backtester.engine.listen import audible
from backtester.engine.ways import WIDTH

FORKS = 3    # decisions in a row at the end of an instant, that between idle blocks and others among them
OWN = ("lane.account.equity", "lane.account.blocked", "lane.tally.", "mind.state.")  # what a block may write
ARGUMENTS = {"end": "t, group, world, bars, paired", "stake": "t, quotes, bars"}
TOLD = "t, group, world, bars, x"


@dataclass(frozen=True)
class Written:
    """The code for a strategy's lanes abreast, and the record that it works on."""

    source: str
    globals: dict
    functions: tuple[str, ...]
    block: np.dtype
    escapes: tuple[str, ...]    # file:line: what lanes leave a block for
    whole: tuple[str, ...]      # file:line: what all lanes do, at every instant


def write(roles: tuple[str, ...], hooks: dict, helpers: dict, lane: np.dtype, mind: np.dtype, seen: np.dtype) -> Written:
    """Write the code. hooks: name -> plain function; helpers: plain function -> compiled; the dtypes are those of `Bound`."""
    story = Story(roles, hooks, lane, mind, seen)
    trees = {"end": grow(story.end, helpers, FORKS), "stake": grow(story.stake, helpers, 1)}
    heard = {f"on_{name}": stream for name, stream, _ in audible(roles) if f"on_{name}" in hooks}
    trees |= {name: grow(story.tell(name, stream), helpers, FORKS) for name, stream in heard.items()}
    regions = [leaf.region for tree in trees.values() for leaf in leaves_of(tree)]
    pending = [f"lane.position[{i}].pending" for i in range(len(roles))]
    columns = {column_name(path): (path, np.dtype("f8")) for path in pending}
    columns |= {f"account_{name}": (f"lane.account.{name}", np.dtype("i8")) for name in ("alive", "invested")}
    names: dict = {"WIDTH": WIDTH} | {name: getattr(runtime, name) for name in ("select", "at", "int64", "float64")}
    for region in regions:
        columns |= region.columns
        names |= region.globals
    own = sorted(set().union(*(region.stored for region in regions)))
    assert all(columns[name][0].startswith(OWN) for name in own), own
    sources = [function(name, ARGUMENTS.get(name, TOLD), tree) for name, tree in trees.items()]
    sources.append(rest([column_name(path) for path in pending]))
    block = np.dtype([
        ("flag", "i8", (WIDTH,)),   # 1: the lane has to be looked at, one by one
        *((name, dtype.str[1:], (WIDTH,)) for name, (_, dtype) in columns.items()),
        ("group", "i8"),            # whose features its lanes see
        ("used", "i8"),             # places that are computed
        ("flagged", "i8"),          # lanes that have something at stake
        ("idle", "i8"),             # 1: nobody holds anything, no quantity is pending, none has changed since all were marked
        ("fill", "i8", (4,)),       # to whole cache lines
    ])
    return Written(
        "\n\n".join([*sources, *movers(columns, own)]), names, (*trees, "rest", "load", "reload", "load_venue", "save"), block,
        tuple(dict.fromkeys(place for region in regions for place in region.places)), tuple(dict.fromkeys(story.whole)),
    )


def movers(columns: dict, own: list[str]) -> list[str]:
    """What copies a lane into a block, what it changed itself, what the venue did, and back what the block owns."""
    kept = ("lane.terms", "mind.params")
    venue = [name for name, (path, _) in columns.items() if name not in own and path.startswith(("lane.account", "lane.position"))]
    bodies = {
        "load(t, k, lane, mind)": [f"t.{name}[k] = {path}" for name, (path, _) in columns.items()],
        "reload(t, k, lane, mind)": [f"t.{name}[k] = {path}" for name, (path, _) in columns.items() if not path.startswith(kept)],
        "load_venue(t, k, lane)": [f"t.{name}[k] = {columns[name][0]}" for name in venue],
        "save(t, k, lane, mind)": [f"{columns[name][0]} = t.{name}[k]" for name in own],
    }
    for name in ("load", "reload", "load_venue"):
        bodies[next(head for head in bodies if head.startswith(f"{name}("))].append("t.idle = 0")
    return ["\n".join([f"def {head}:", *(f"    {line}" for line in body), ""]) for head, body in bodies.items()]


def rest(pending: list[str]) -> str:
    """What lets a block be idle from the next instant on: all its lanes have been marked."""
    waits = " | ".join(f"(t.{name}[k] != 0.0)" for name in pending)
    body = [
        "busy = 0", "for k in range(t.used):", "    busy += t.account_invested[k]", "if busy == 0:", "    for k in range(t.used):",
        f"        busy += 1 if {waits} else 0", "    t.idle = 1 if busy == 0 else 0",
    ]
    return "\n".join(["def rest(t):", *(f"    {line}" for line in body), ""])


def function(name: str, arguments: str, tree: Leaf | Branch) -> str:
    """A function over the lanes of a block; it flags lanes and returns how many."""
    return "\n".join([f"def {name}({arguments}):", "    count = 0", *code_of(tree, 1, 0), "    return count", ""])


def code_of(tree: Leaf | Branch, indent: int, written: int) -> list[str]:
    """The lines of a tree of loops; `written` lines before them stand already."""
    pad = "    " * indent
    if isinstance(tree, Branch):
        yes, no = (code_of(side, indent + 1, len(tree.before)) for side in (tree.yes, tree.no))
        return [*(pad + line for line in tree.before[written:]), f"{pad}if {tree.test}:", *yes, f"{pad}else:", *no]
    region = tree.region
    loads = [f"{name} = t.{name}[k]" for name in region.columns]
    stores = stores_of(tree)
    loop = ["for k in range(t.used):", *(f"    {line}" for line in [*loads, *region.lines, *stores])] if stores else ["pass"]
    return [pad + line for line in [*region.before[written:], *loop]]


def stores_of(leaf: Leaf) -> list[str]:
    """What a lane keeps: all of it, or nothing where it escaped."""
    region = leaf.region
    if leaf.result is not None:
        return [f"found = int64(select({leaf.result.src} | {region.escaped or 'False'}, 1, 0))", "t.flag[k] = found", "count += found"]
    head, tail = ["keep = (t.account_alive[k] != 0)"] if region.stored else [], []
    if region.escaped is not None:
        head = ["on = (t.account_alive[k] != 0)", f"out = (on & {region.escaped})", "keep = (on & (not out))"]
        tail = ["left = int64(select(out, 1, 0))", "t.flag[k] = left", "count += left"]
    kept = [f"t.{name}[k] = select(keep, {region.now[name]}, {name})" for name in sorted(region.stored)]
    return [*head, *kept, *tail]
