"""What runs abreast: the end of an instant, what a group's bars can do, the records that lanes hear."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from backtester.engine import state
from backtester.engine.abreast.statements import Converter
from backtester.engine.abreast.values import Columns, Escape, Fork, Shared, Struct, Value, plain_function
from backtester.engine.listen import prefix_of
from backtester.engine.margin import is_crossed
from backtester.engine.measure import mark
from backtester.engine.stake import is_at_stake
from backtester.records import BAR, STREAMS

IDLE = Value("(t.idle != 0)", truth=True)
BARS = Shared("bars", np.dtype((BAR, (1,))))  # more than one: how many is not known here


@dataclass
class Leaf:
    """One loop over the lanes of a block."""

    region: Converter
    result: Value | None = None  # a number a lane, where that is what the region is for


@dataclass
class Branch:
    """A shared condition, and the code on its two sides."""

    before: list[str]
    test: str
    yes: "Leaf | Branch"
    no: "Leaf | Branch"


def leaves_of(tree: Leaf | Branch) -> list[Leaf]:
    """The loops of a tree."""
    return [tree] if isinstance(tree, Leaf) else leaves_of(tree.yes) + leaves_of(tree.no)


def grow(program: Callable[[Converter], Value | None], helpers: dict, most: int, decisions: tuple = ()) -> Leaf | Branch:
    """The code of a program: one loop, or more where what is shared decides, `most` times in a row."""
    region = Converter(helpers, most, decisions)
    try:
        return Leaf(region, program(region))
    except Fork as fork:
        yes, no = (grow(program, helpers, most, (*decisions, way)) for way in (True, False))
        return Branch(region.before, fork.args[0], yes, no)


@dataclass
class Story:
    """A strategy, as what its lanes run abreast is made of it."""

    roles: tuple[str, ...]
    hooks: dict             # name -> plain function
    lane: np.dtype
    mind: np.dtype
    seen: np.dtype
    whole: list[str] = field(default_factory=list)  # where all lanes escape, at every instant

    def quotes(self, src: str) -> Shared:
        """The market as all lanes see it."""
        return Shared(src, state.world_dtype(len(self.roles))["quotes"])

    def context(self, region: Converter) -> Struct:
        """`ctx` as a hook sees it; its asks and wishes are out of reach."""
        account = Columns("lane.account", state.ACCOUNT)
        parts: dict = {"ts": region.put("ts", Value("world.clock.ts")), "account": account, "seen": Shared("group.seen", self.seen)}
        for i, role in enumerate(self.roles):
            parts[role] = Struct({
                "index": region.constant(i), "bar": Shared(f"bars[world.quotes[{i}].row]", BAR), "account": account,
                "position": Columns(f"lane.position[{i}]", state.POSITION),
            })
        return Struct(parts)

    def run(self, region: Converter, name: str, *x: Shared, mask: Value | None = None) -> None:
        """A hook, if there is one; where all lanes would escape, they do."""
        if name in self.hooks:
            mine = (Columns("mind.state", self.mind["state"]), Columns("mind.params", self.mind["params"]))
            sure = region.forks
            try:
                region.write_out(self.hooks[name], [self.context(region), *x, *mine], {}, mask)
            except Escape as reason:
                region.escape(mask, reason)
                if region.forks == sure and not region.zeros:  # an idle block seldom stays so
                    self.whole.append(str(reason))

    def end(self, region: Converter) -> None:
        """The end of an instant: the mark, and the decisions of what is still worth something.

        A mark would change nothing in an idle block: nobody holds anything there, no quantity is pending, and none has changed since
        it was last marked.
        """
        if region.decide(IDLE):
            region.zeros = {f"lane.position[{i}].{name}" for i in range(len(self.roles)) for name in ("qty", "pending")}
        else:
            self.mark(region)
        self.run(region, "on_bar")
        for n in range(len(self.roles) // 2):
            name = f"on_{prefix_of(self.roles, n)}pair"
            paired = region.put("paired", Value(f"((paired & {1 << n}) != 0)", truth=True))
            if region.forks >= region.most:
                self.run(region, name, mask=paired)
            elif name in self.hooks and region.decide(paired):
                self.run(region, name)

    def mark(self, region: Converter) -> None:
        """What every lane is worth; those that cannot be marked abreast, or are worth nothing any more, escape."""
        lane = Columns("lane", self.lane)
        region.write_out(plain_function(mark), [lane, self.quotes("world.quotes")], {}, None)
        if len(self.roles) > 2:
            (crossed,) = region.write_out(plain_function(is_crossed), [lane], {}, None) or []
            region.escape(crossed)
        region.escape(region.put("ruined", Value(f"(not ({region.now['account_equity']} > 0.0))", True, True)))

    def stake(self, region: Converter) -> Value:
        """Whether the bars of a group may change anything in the lane."""
        (found,) = region.write_out(plain_function(is_at_stake), [Columns("lane", self.lane), self.quotes("quotes"), BARS], {}, None) or []
        return region.truth(found)

    def tell(self, name: str, stream: str) -> Callable[[Converter], None]:
        """A program that hands a record of a stream to a hook."""
        return lambda region: self.run(region, name, Shared("x", STREAMS[stream]))
