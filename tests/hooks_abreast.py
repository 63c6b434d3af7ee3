"""A random hook for lanes abreast, as it is written and compiled for a block, beside the same hook compiled and run lane by lane."""

import linecache
import re
from collections import Counter
from dataclasses import dataclass, field
from unittest.mock import patch

import numpy as np
from abreast import differing
from hooks_drawn import GLOBALS, Params, Seen, State, hook
from numba import njit

from backtester.engine import state
from backtester.engine.abreast import written as written_code
from backtester.engine.abreast.bind import vectors
from backtester.engine.abreast.written import Written, write
from backtester.engine.accept import is_nothing
from backtester.engine.fingerprint import Weaver
from backtester.engine.jit import OPTIONS, fresh
from backtester.engine.listen import contexts
from backtester.engine.measure import mark
from backtester.engine.run import places
from backtester.fields import dtype_of
from backtester.records import BAR, ROLES, row_type, rows

LANES, INSTANTS, BARS = 24, 30, 8
MINUTE = 60_000_000_000  # ns
LANE = state.lane_dtype(len(ROLES))
MIND = state.mind_dtype(dtype_of(State), dtype_of(Params))
GROUP = state.group_dtype(dtype_of(Seen), dtype_of(Params))
PACKED = re.compile(r"\bv?(add|sub|mul|div|sqrt)pd\b")
SMALL = {"waiting": 3, "alive": 10, "invested": 2, "up": 2, "on": 2, "sharp": 2, "n": 6, "i": 6, "j": 6, "k": 7, "q": 4}


@dataclass
class Compared:
    """What was found of one hook."""

    seed: int
    wrong: list[str] = field(default_factory=list)  # what differed, and at which instant
    whole: bool = False     # all lanes escape at every instant
    packed: bool = False    # its loop computes in vectors
    idle: int = 0           # instants of a block in which nobody holds anything, or has changed
    lane_instants: int = 0
    escaped: int = 0        # of these
    values: int = 0         # floats of the state at the end of an instant
    finite: int = 0         # of these


def function_of(seed: int, source: str):
    """The hook as a plain function whose source can be read."""
    file = f"<hook {seed}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    names = GLOBALS | {"__name__": f"hook_{seed}"}
    exec(compile(source, file, "exec"), names)
    return names["on_bar"]


# ---------------------------------------------------------------- what the lanes hold and see


def numbers(rng, shape) -> np.ndarray:
    """Numbers that meet each other: halves, zeros of both signs, some that are unknown."""
    found = np.where(rng.random(shape) < 0.5, rng.integers(-8, 9, shape) / 2.0, rng.normal(0.0, 3.0, shape))
    found = np.where(rng.random(shape) < 0.04, np.nan, found)
    return np.where(rng.random(shape) < 0.04, -0.0, found)


def fill(rng, table: np.ndarray, names=None) -> None:
    """Random numbers into the fields of records."""
    for name in names or table.dtype.names:
        column = table[name]
        if column.dtype.names:
            fill(rng, column)
        elif column.dtype.kind == "f":
            table[name] = numbers(rng, column.shape)
        else:
            table[name] = rng.integers(0, SMALL.get(name, 4), column.shape)


class Scene:
    """The records of a comparison: lanes that run one by one, the same lanes abreast, and what both see."""

    def __init__(self, seed: int, block: np.dtype):
        self.rng = rng = np.random.default_rng(seed)
        _, self.blocks = places(np.zeros(LANES, np.int64), block)
        self.alone, self.abreast = ((rows(LANE, LANES), rows(MIND, LANES)) for _ in range(2))
        self.groups, self.bars, self.world = rows(GROUP, 1), rows(BAR, BARS), rows(state.world_dtype(len(ROLES)), 1)
        minds = self.alone[1]
        for table in (minds["state"], minds["params"], self.bars):
            fill(rng, table)
        for name in ("y", "z"):  # switched off
            minds["params"][name][rng.random(LANES) < 0.4] = np.nan
        self.abreast[1][:] = minds
        alive = rng.random(LANES) < 0.95
        for lanes, _ in (self.alone, self.abreast):
            lanes["account"]["alive"] = alive
        self.change(np.ones(LANES, bool))

    def change(self, changed: np.ndarray, empty: bool = False) -> None:
        """The venue changes some lanes: what they hold is often what the hook asks for; `empty`: they hold nothing."""
        rng, shape = self.rng, (LANES, len(ROLES))
        qty, pending = rng.choice([0.0, 0.0, 1.0, -1.0], shape), rng.choice([0.0, 0.0, 0.0, 0.5], shape)
        if empty:
            qty, pending = np.zeros(shape), np.zeros(shape)
        new = {
            "position": {"qty": qty, "pending": pending, "entry": numbers(rng, shape), "waiting": rng.integers(0, 3, shape)},
            "account": {"cash": rng.integers(20, 60, LANES) / 2.0, "invested": (qty != 0.0).sum(1)},
        }
        for lanes, _ in (self.alone, self.abreast):
            for part, names in new.items():
                for name, column in names.items():
                    lanes[part][name][changed] = column[changed]

    def turn(self, instant: int) -> bool:
        """The next instant: what is shared is another, the venue has taken in what lanes asked, and changed some; returns whether it has.

        Of five instants the last three are those of lanes that hold nothing: the venue leaves the last two alone.
        """
        rng, world = self.rng, self.world[0]
        fill(rng, self.groups["seen"])
        world["clock"]["ts"] += MINUTE * int(rng.integers(1, 4))
        world["quotes"]["row"] = rng.integers(0, BARS, len(ROLES))
        world["quotes"]["price"] = rng.integers(1, 8, len(ROLES)) / 2.0
        for lanes, _ in (self.alone, self.abreast):
            lanes["ask"] = np.zeros((), LANE["ask"].base)
            lanes["account"]["asked"] = 0
        if instant % 5 > 2:
            return False
        self.change((rng.random(LANES) < 0.3) | (instant % 5 == 2), instant % 5 == 2)
        return True

    def differences(self) -> list[str]:
        """The fields in which the lanes differ."""
        found = []
        for name, one, two in (("lane", self.alone[0], self.abreast[0]), ("mind", self.alone[1], self.abreast[1])):
            if one.tobytes() != two.tobytes():
                found += [f"{name}.{part}.{field}" for part in one.dtype.names if one[part].dtype.names
                          for field in differing(one[part], two[part])]
        return found


# ---------------------------------------------------------------- how they run


@fresh
def forget_nothing(lane):
    """What a hook asks for that it has already leaves nothing behind, as where asks are accepted."""
    lane.account.asked = 0
    for i in range(len(lane.ask)):
        if is_nothing(lane.ask[i].qty, lane.position[i]):
            lane.ask[i].qty = 0.0
            lane.ask[i].reason = 0
        else:
            lane.account.asked = 1


def compiled(fn, helpers: dict, end) -> tuple:
    """The hook one by one, for the lanes with a flag; the written code over a block."""
    on_bar, context, end = helpers[fn], contexts(ROLES), njit(**OPTIONS)(end)

    @njit(**OPTIONS)
    def run_alone(flag, lanes, minds, groups, world, bars):
        for k in range(len(lanes)):
            lane, mind = lanes[k], minds[k]
            if flag[k] != 0:
                mark(lane, world[0].quotes)
                if lane.account.equity > 0.0:
                    on_bar(context(lane, mind, groups, world[0], bars), mind.state, mind.params)
                    forget_nothing(lane)

    def run_abreast(blocks, groups, world, bars):
        return end(blocks[0], groups[0], world[0], bars, 0)

    return run_alone, run_abreast, end


def compare(seed: int, source: str = "") -> Compared:
    """A hook (another one than the seed's, where its source is given) over some instants, both ways."""
    fn, weaver = function_of(seed, source or hook(seed)), Weaver()
    weaver.weave(fn)
    with patch.object(written_code, "FORKS", written_code.FORKS if seed % 16 == 0 else 1):  # else shared conditions become masks too
        written = write(ROLES, {"on_bar": fn}, weaver.woven, LANE, MIND, GROUP["seen"])
    code: dict = dict(written.globals)
    exec(compile(written.source, "<written>", "exec"), code)
    scene, found = Scene(seed, written.block), Compared(seed, whole=bool(written.whole))
    run_alone, run_abreast, end = compiled(fn, weaver.woven, code["end"])
    block, shared = scene.blocks.view(row_type(written.block))[0], (scene.groups, scene.world, scene.bars)
    lanes, minds = scene.abreast
    for k in range(LANES):
        code["load"](block, k, lanes[k], minds[k])
    for instant in range(INSTANTS):
        if scene.turn(instant):
            for k in range(LANES):
                code["load_venue"](block, k, lanes[k])
        found.idle += int(block["idle"])
        before = scene.blocks.copy()
        with vectors():
            flagged = run_abreast(scene.blocks, *shared)
        flag = block["flag"][:LANES].copy() if flagged else np.zeros(LANES, int)
        wrong = touched(written, before, scene, flag)
        for k in range(LANES):
            code["save"](block, k, lanes[k], minds[k])
        run_alone(flag, lanes, minds, *shared)
        for k in np.flatnonzero(flag):
            code["reload"](block, k, lanes[k], minds[k])
        code["rest"](block)
        run_alone(scene.alone[0]["account"]["alive"], *scene.alone, *shared)
        wrong += scene.differences()
        count(found, scene, flag, flagged)
        if wrong:
            found.wrong = [f"{name} at instant {instant}" for name in wrong]
            break
    found.packed = bool(PACKED.search(next(iter(end.inspect_asm().values()))))
    return found


def touched(written: Written, before: np.ndarray, scene: Scene, flag: np.ndarray) -> list[str]:
    """The columns that the block changed of lanes that escaped; the venue's own were loaded anew."""
    own = [line.split(" = t.")[1].split("[")[0] for line in written.source.split("def save")[1].splitlines()[1:] if line]
    left = np.flatnonzero(flag)
    return [f"touched {name}" for name in own if before[name][0, left].tobytes() != scene.blocks[name][0, left].tobytes()]


def count(found: Compared, scene: Scene, flag: np.ndarray, flagged: int) -> None:
    """Add an instant to the counts."""
    assert flagged == flag.sum()
    alive = scene.alone[0]["account"]["alive"]
    found.lane_instants += int(alive.sum())
    found.escaped += int((flag != 0).sum())
    values = np.concatenate([scene.alone[1]["state"][name] for name in "abc"])
    found.values += len(values)
    found.finite += int(np.isfinite(values).sum())


def compare_many(seeds) -> tuple[Counter, dict[int, list[str]]]:
    """Counts of the hooks of these seeds, and what was wrong by seed."""
    counts, wrong = Counter(), {}
    for seed in seeds:
        try:
            found = compare(seed)
        except Exception as error:  # of the converter, of the compiler: a hook that runs alone has to run abreast
            found = Compared(seed, [f"{type(error).__name__}: {error}"])
        if found.wrong:
            wrong[seed] = found.wrong
        counts.update({
            "hooks": 1, "equal": not found.wrong, "wrong": bool(found.wrong), "never abreast": found.whole, "in vectors": found.packed,
            "idle instants": found.idle,
            "lane-instants": found.lane_instants, "lane-instants that escaped": found.escaped,
            "values": found.values, "finite": found.finite,
        })
    return counts, wrong
