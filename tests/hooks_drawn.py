"""Random hooks as source text, the same ones for the same seed: statements, and the helpers that they call."""

import math
from collections.abc import Callable
from math import isnan, sqrt

from hook_numbers import Numbers, Sight

from backtester.fields import vec
from backtester.orders import NAN, blocked, held, market, target


class Leg:
    u: float
    v: float
    n: int
    up: bool


class State:
    a: float
    b: float
    c: float
    i: int
    j: int
    since: int
    on: bool
    leg: Leg
    other: Leg


class Params:
    x: float
    y: float | None
    z: float | None
    q: int
    sharp: bool


class Seen:
    r: float
    w: float
    k: int
    up: bool
    ring: vec(4)
    near: Leg


GLOBALS = {
    "math": math, "isnan": isnan, "sqrt": sqrt, "NAN": NAN, "blocked": blocked, "held": held, "market": market, "target": target,
    "MINUTE": 60_000_000_000,
}
WHOLE = "def whole(x):\n    if not -99.0 < x < 99.0:\n        return 0\n    return int(x)\n"
BAR = ("close", "open", "taker_buy")
SEEN = {"number": ("r", "w", "near.u", "near.v"), "whole": ("k", "near.n"), "truth": ("up", "near.up")}
STATE = {"number": ["s.a", "s.b", "s.c"], "whole": ["s.i", "s.j"], "truth": ["s.on"]}
PARAMS = {"number": ["p.x", "p.y", "p.z"], "whole": ["p.q"], "truth": ["p.sharp"]}
ROOM = 14  # statements of a hook with its helpers


def whole_hook() -> Sight:
    """What a hook sees."""
    sight = Sight(legs=["s.leg", "s.other"], has=frozenset(("ctx", "s", "p", "s.leg")), fields=STATE)
    for kind, names in SEEN.items():
        getattr(sight, kind).extend([*(f"ctx.seen.{name}" for name in names), *PARAMS[kind]])
    bars = [f"ctx.{role}.bar.{name}" for role in ("spot", "perp") for name in BAR]
    sight.number += [*bars[:4], "ctx.perp.position.qty", "ctx.perp.position.entry", "ctx.account.equity", "held(ctx.perp)"]
    sight.number += STATE["number"]
    sight.whole += ["ctx.perp.position.waiting"]
    return sight


class Hooks(Numbers):
    """Statements and helpers of one hook."""

    def __init__(self, seed: int):
        super().__init__(seed)
        self.left = ROOM
        self.leaves = self.often(0.35)   # it holds what has to escape
        self.rebound: set[str] = set()

    # ------------------------------------------------------------ blocks

    def block(self, deep: int, pad: str, sight: Sight, give: Callable[[Sight], str], most: int = 3) -> list[str]:
        """Statements; `give` writes the return that may end them early."""
        out, sight = [], sight.copy()
        for _ in range(self.random.randint(1, most)):
            self.left -= 1
            out += self.statement(deep if self.left > 0 else 0, pad, sight, give)
        if len(pad) > 4 and sight.loops == 0 and self.often(0.15):
            out.append(pad + give(sight))
        return out

    def statement(self, deep: int, pad: str, sight: Sight, give) -> list[str]:
        """One of all kinds."""
        ways = {self.assigned: 6, self.named: 3, self.several: 2, self.called_alone: 2, self.rebinding: 1}
        if deep > 0:
            ways |= {self.choice: 7, self.loop: 1}
        if self.leaves and len(pad) > 4:
            ways[self.leaving] = 2
        way = self.random.choices(list(ways), list(ways.values()))[0]
        if way in (self.choice, self.loop):
            return way(deep, pad, sight, give)
        return [pad + line for line in way(sight)]

    def choice(self, deep, pad, sight, give) -> list[str]:
        """if, elif, else."""
        out = [f"{pad}if {self.of('truth', 2, sight)}:", *self.block(deep - 1, pad + "    ", sight, give)]
        if self.often(0.3):
            out += [f"{pad}elif {self.of('truth', 2, sight)}:", *self.block(deep - 1, pad + "    ", sight, give)]
        if self.often(0.4):
            out += [f"{pad}else:", *self.block(deep - 1, pad + "    ", sight, give)]
        for name in sorted(self.rebound.intersection(sight.legs)):  # it stands for no record now, so a lane that needs one escapes
            if not (self.leaves and self.often(0.2)):
                sight.legs.remove(name)
        return out

    def loop(self, deep, pad, sight, give) -> list[str]:
        """A few rounds, how many is known."""
        name, inner = f"k{sight.loops}", sight.copy()
        inner.loops += 1
        inner.whole.append(name)
        if (place := self.placed(sight)) and self.often(0.7):
            inner.number.extend([f"{place.split('[')[0].strip('(')}[{name}]"] * 4)
        rounds = self.one("range(3)", "range(1, 4)", "range(0, 4, 2)", "range(3, 0, -1)")
        return [f"{pad}for {name} in {rounds}:", *self.block(min(1, deep - 1), pad + "    ", inner, give, 2)]

    # ------------------------------------------------------------ statements

    def kind(self) -> str:
        return self.one("number", "number", "number", "whole", "truth")

    def value(self, kind: str, sight: Sight, deep: int = 2) -> str:
        """What is written into a field: it stays in reach, so that the next instants have something to compute."""
        found = self.of(kind, deep, sight)
        if kind == "whole":
            return f"({found}) & 15"
        if kind == "truth":
            return self.one(f"bool({found})", f"1 if {found} else 0", f"{self.of('number', 2, sight)} > {self.of('number', 2, sight)}")
        return f"max(-9.0, min({found}, 9.0))" if kind == "number" and self.often(0.5) else found

    def assigned(self, sight) -> list[str]:
        """A field gets a value."""
        kind = self.kind()
        if self.often(0.1) and "ctx" in sight.has:
            return [self.one("s.since = ctx.ts", "s.on = ctx.ts - s.since >= 5 * MINUTE", "blocked(ctx)", "blocked(ctx)")]
        if not sight.writable(kind):
            return self.named(sight)
        into = self.one(*sight.writable(kind))
        if kind == "number" and self.often(0.3):
            return [f"{into} {self.one('+=', '-=', '*=', '/=')} {self.of('number', 2, sight)}"]
        if kind == "whole" and self.often(0.4):
            return [f"{into} {self.one('+=', '-=')} {self.random.randint(1, 3)}"]
        return [f"{into} = {self.value(kind, sight)}"]

    def named(self, sight) -> list[str]:
        """A name gets a value, its first or another one."""
        kind = self.kind()
        name = {"number": "x", "whole": "n", "truth": "t"}[kind] + str(self.random.randint(0, 2))
        names, words = getattr(sight, kind), {"number": "float", "whole": "int", "truth": "bool"}[kind]
        if name in names and kind != "truth" and self.often(0.3):
            return [f"{name} {self.one('+=', '-=')} {self.of(kind, 1, sight)}"]
        value = self.value(kind, sight)
        names.extend([name] * (2 if name not in names else 0))
        return [f"{name}: {words} = {value}" if self.often(0.05) else f"{name} = {value}"]

    def several(self, sight) -> list[str]:
        """Several names or fields at once."""
        fields = sight.writable("number")
        if (call := self.called("pair", 1, sight)) and self.often(0.6):
            sight.number.append("y0")
            sight.whole.append("m0")
            return [f"y0, m0 = {call}"]
        if len(fields) > 1:
            one, two = self.random.sample(fields, 2)
            return [f"{one}, {two} = {self.one(two, self.value('number', sight, 2))}, {self.one(one, self.value('number', sight, 2))}"]
        return self.named(sight)

    def called_alone(self, sight) -> list[str]:
        """A helper is called for what it writes."""
        return [self.called(self.one("nothing", "truth"), 2, sight) or "pass"]

    def rebinding(self, sight) -> list[str]:
        """A name for a record, its first or another one."""
        if not sight.legs:
            return ["pass"]
        name, given = self.one("one", "two"), self.leg(sight)
        if name in sight.legs:
            self.rebound.add(name)
        else:
            sight.legs += [name]
        return [f"{name} = {given}"]

    def leaving(self, sight) -> list[str]:
        """What lanes abreast cannot do, or do only for the lanes that hold a position already."""
        ways = [
            ["x0 = 1.0", f"while x0 < {self.number(1, sight)} and x0 < 5.0:", "    x0 += 1.0"],
            [f"for k9 in range(abs({self.whole(0, sight)}) % 3):", f"    x0 = {self.number(1, sight)}"],
            [f"x0 = math.log(abs({self.number(1, sight)}) + 1.0)"],
            [f"x0 = {self.number(1, sight)} ** 2"],
        ]
        if "ctx" in sight.has:
            ways += [
                [f"target(ctx.perp, {self.one('p.x', '1.0', '0.0', 's.a')}, 1)"],
                [f"target(ctx.perp, {self.number(1, sight)} / 2.0, 2)"],
                [f"market(ctx.{self.one('spot', 'perp')}, {self.number(1, sight)}, 3)"],
                [f"x0 = ctx.seen.ring[abs({self.whole(1, sight)}) % 4]"],
            ]
        out = self.one(*ways)
        return [*out, "s.c = x0"] if "x0" in out[-1] and out[-1].startswith("x0") and "s" in sight.has else out

    # ------------------------------------------------------------ helpers

    def helper(self, n: int) -> list[str]:
        """A helper's source; from then on it can be called."""
        legs, shared = (self.of_leg, self.of_leg), (self.of_shared, self.of_shared)
        return self.one(self.of_numbers, *legs, self.of_pair, *shared, self.of_bar, self.of_all)(n)

    def add(self, gives: str, needs: set, call) -> None:
        self.helpers.append((gives, frozenset(needs), call))

    def body(self, head: str, sight: Sight, give, deep: int = 1) -> list[str]:
        """A function with early returns."""
        early = [f"    if {self.of('truth', 2, sight)}:", f"        {give(sight)}"] if self.often(0.6) else []
        notes = ['    """A helper."""'] if self.often(0.2) else []
        return [head, *notes, *early, *self.block(deep, "    ", sight, give, 2), f"    {give(sight)}", ""]

    def of_numbers(self, n) -> list[str]:
        """Numbers in, a number out."""
        sight = Sight(number=["u", "v", "u", "v", "p.x", "p.y"], whole=["p.q"], truth=["p.sharp"], has=frozenset("p"))
        out = self.body(f"def num{n}(u, v, p):", sight, lambda sight: f"return {self.number(2, sight)}")
        self.add("number", {"p"}, lambda deep, sight: f"num{n}({self.of('number', deep, sight)}, {self.of('number', deep, sight)}, p)")
        return out

    def of_leg(self, n) -> list[str]:
        """Writes into a record, and says something of it; with defaults."""
        gives = self.one("truth", "number", "truth", "nothing")
        sight = Sight(number=["u", "u"], whole=["k"], truth=["up"], legs=["leg"])
        give = (lambda sight: "return") if gives == "nothing" else lambda sight: f"return {self.of(gives, 2, sight)}"
        out = self.body(f"def act{n}(leg, u, k=2, up=False):", sight, give)

        def call(deep, sight):
            leg, u = self.leg(sight), self.of("number", deep, sight)
            k, up = self.of("whole", deep, sight), self.of("truth", deep, sight)
            return f"act{n}({leg}, {self.one(f'{u}', f'{u}, {k}', f'{u}, up={up}', f'k={k}, u={u}')})"

        self.add(gives, {"s.leg"}, call)
        return out

    def of_pair(self, n) -> list[str]:
        """Two numbers out."""
        sight = Sight(number=["u", "p.x"], whole=["p.q"], fields=STATE, has=frozenset(("s", "p")))
        out = self.body(f"def pair{n}(s, u, p):", sight, lambda sight: f"return {self.number(2, sight)}, {self.whole(1, sight)}")
        self.add("pair", {"s", "p"}, lambda deep, sight: f"pair{n}(s, {self.of('number', deep, sight)}, p)")
        return out

    def of_shared(self, n) -> list[str]:
        """Looks at what is shared, and at a number that may be."""
        shared = {kind: [f"seen.{name}" for name in names] for kind, names in SEEN.items()}
        sight = Sight(number=[*shared["number"], "m", "m"], whole=shared["whole"], truth=shared["truth"], has=frozenset(("seen",)))
        if looped := self.often(0.5):
            inner = sight.copy()
            inner.number += ["seen.ring[k]", "seen.ring[k]", "total"]
            rounds = self.one("range(4)", "range(len(seen.ring))", "range(seen.k % 4)", "range(1, 3)")
            out = [f"def look{n}(seen, m=1.0):", "    total = 0.0", f"    for k in {rounds}:", f"        if {self.truth(1, inner)}:",
                   f"            total += {self.number(1, inner)}", f"    return total {self.one('+ 1.0', '* m', '')}", ""]
        else:
            out = self.body(f"def look{n}(seen, m=1.0):", sight, lambda sight: f"return {self.number(2, sight)}")
        given = ["", ", ctx.seen.w", ", 2.0", ", ctx.perp.bar.close"] + [", p.x"] * (not looped or self.leaves)
        self.add("number", {"ctx"}, lambda deep, sight: f"look{n}(ctx.seen{self.one(*given)})")
        return out

    def of_bar(self, n) -> list[str]:
        """Looks at an instrument."""
        sight = Sight(number=["t.bar.close", "t.bar.low", "t.position.qty", "t.position.entry", "t.account.equity", "x"])
        out = self.body(f"def near{n}(t, x):", sight, lambda sight: f"return {self.truth(2, sight)}")
        self.add("truth", {"ctx"}, lambda deep, sight: f"near{n}(ctx.{self.one('spot', 'perp')}, {self.of('number', deep, sight)})")
        return out

    def of_all(self, n) -> list[str]:
        """A hook in the hook."""
        out = self.body(f"def deep{n}(ctx, s, p):", whole_hook(), lambda sight: "return", 2)
        self.add("nothing", {"ctx", "s", "p"}, lambda deep, sight: f"deep{n}(ctx, s, p)")
        return out


def hook(seed: int) -> str:
    """The source of a hook and its helpers: `def on_bar(ctx, s, p)`."""
    hooks = Hooks(seed)
    hooks.add("whole", set(), lambda deep, sight: f"whole({hooks.of('number', deep, sight)})")
    helpers = [line for n in range(hooks.random.randint(1, 3)) for line in hooks.helper(n)]
    hooks.left = ROOM // 2
    body = hooks.block(3, "    ", whole_hook(), lambda sight: "return", 5)
    while len(body) < 6:
        body += hooks.block(3, "    ", whole_hook(), lambda sight: "return", 5)
    return "\n".join([WHOLE, *helpers, "def on_bar(ctx, s, p):", *body, ""])
