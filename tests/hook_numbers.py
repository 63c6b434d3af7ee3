"""Random expressions of a hook as source text: numbers, whole numbers, truths; of names that are in sight.

Left out is what plain and compiled Python do differently by themselves (docs/strategies.md), and what no number stands for:
whole numbers stay small, nothing becomes one that is none, no index lies outside.
"""

from dataclasses import dataclass, field, replace
from random import Random

CONSTANTS = ("0.0", "0.5", "1.0", "-1.25", "2.0", "3.5", "NAN")
LEG = {"number": ("u", "v"), "whole": ("n",), "truth": ("up",)}


@dataclass
class Sight:
    """What can be read and written where a statement stands."""

    number: list[str] = field(default_factory=list)     # sources that can be read
    whole: list[str] = field(default_factory=list)
    truth: list[str] = field(default_factory=list)
    fields: dict[str, list[str]] = field(default_factory=lambda: {"number": [], "whole": [], "truth": []})  # and written
    legs: list[str] = field(default_factory=list)       # records of type Leg
    has: frozenset = frozenset()                        # of ctx, s, p, seen: what can be handed on
    loops: int = 0                                      # around it

    def copy(self) -> "Sight":
        """For a block: what is named inside is unknown outside."""
        return replace(self, number=[*self.number], whole=[*self.whole], truth=[*self.truth], legs=[*self.legs])

    def readable(self, kind: str) -> list[str]:
        """What can be read of a kind."""
        return [*getattr(self, kind), *self.writable(kind)]

    def writable(self, kind: str) -> list[str]:
        """What can be written of a kind."""
        return [*self.fields[kind], *(f"{leg}.{name}" for leg in self.legs for name in LEG[kind])]


class Numbers:
    """Expressions, `deep` at the most; `helpers` are those that may be called: (kind, text of a call)."""

    def __init__(self, seed: int):
        self.random = Random(seed)
        self.helpers: list = []     # (kind of what it gives, what it must be handed, how it is called)

    def one(self, *options):
        """One of them."""
        return self.random.choice(options)

    def often(self, share: float) -> bool:
        """True in this share of all cases."""
        return self.random.random() < share

    def of(self, kind: str, deep: int, sight: Sight) -> str:
        """An expression of a kind."""
        if deep > 0 and self.often(0.35 if kind == "truth" else 0.15) and (call := self.called(kind, deep - 1, sight)):
            return call
        return getattr(self, kind)(deep, sight)

    def called(self, kind: str, deep: int, sight: Sight) -> str | None:
        """A call of a helper that gives this kind."""
        fit = [call for gives, needs, call in self.helpers if gives == kind and needs <= sight.has]
        return self.one(*fit)(deep, sight) if fit else None

    def leg(self, sight: Sight) -> str:
        """A record."""
        return self.one(*sight.legs)

    # ------------------------------------------------------------ numbers

    def number(self, deep: int, sight: Sight) -> str:
        """A float."""
        if deep <= 0 or self.often(0.2):
            readable = sight.readable("number")
            return self.one(*CONSTANTS) if self.often(0.2) or not readable else self.one(*readable)
        one, two = self.of("number", deep - 1, sight), self.of("number", deep - 1, sight)
        ways = {
            lambda: f"({one} {self.one(*'+-*')} {two})": 8,
            lambda: f"({one} {self.one('/', '//', '%')} {two})": 3,
            lambda: f"{self.one('min', 'max')}({one}, {two})": 3,
            lambda: f"{self.one('min', 'max')}({one}, {two}, {self.number(0, sight)})": 1,
            lambda: f"max(-9.0, min({one}, 9.0))": 2,
            lambda: self.one(f"abs({one})", f"sqrt(abs({one}))", f"math.sqrt({one})", f"(-{one})"): 4,
            lambda: f"({one} if {self.of('truth', deep - 1, sight)} else {two})": 4,
            lambda: f"({one} {self.one('and', 'or')} {two})": 1,
            lambda: f"({self.of('truth', deep - 1, sight)} {self.one('and', 'or')} {two})": 1,
            lambda: f"float({self.of('whole', deep - 1, sight)})": 1,
            lambda: f"({self.of('whole', deep - 1, sight)} {self.one(*'+-*/')} {two})": 1,
            lambda: self.placed(sight) or one: 2,
        }
        return self.random.choices(list(ways), list(ways.values()))[0]()

    def placed(self, sight: Sight) -> str | None:
        """A number of the shared array."""
        seen = "seen" if "seen" in sight.has else "ctx.seen" if "ctx" in sight.has else None
        if seen is None:
            return None
        inside = (f"{seen}.ring[{self.one(0, 1, 3, -1, -4)}]", f"{seen}.ring[{seen}.k % len({seen}.ring)]")
        return self.one(*inside, f"({seen}.ring[{seen}.k] if {seen}.k < 4 else {self.one(*CONSTANTS)})")

    # ------------------------------------------------------------ whole numbers

    def whole(self, deep: int, sight: Sight) -> str:
        """An int, small enough that nothing a hook makes of it has more than 64 bits."""
        if deep <= 0 or self.often(0.25):
            return str(self.random.randint(-2, 5)) if self.often(0.3) or not sight.readable("whole") else self.one(*sight.readable("whole"))
        one, two = self.of("whole", deep - 1, sight), self.of("whole", deep - 1, sight)
        small, number = self.random.randint(1, 5), self.of("number", deep - 1, sight)
        ways = {
            lambda: f"({one} {self.one(*'+-')} {two})": 6,
            lambda: f"({one} * {two} & 63)": 1,
            lambda: f"({one} {self.one('//', '%')} {self.one(small, small, -small, two)})": 2,
            lambda: f"({one} {self.one('&', '|', '^')} {two})": 1,
            lambda: f"({one} {self.one('>>', '<<')} {self.one(0, 1, 2)})": 1,
            lambda: f"{self.one('min', 'max')}({one}, {two})": 2,
            lambda: f"abs({one})": 1,
            lambda: f"({one} if {self.of('truth', deep - 1, sight)} else {two})": 3,
            lambda: f"({one} {self.one('and', 'or')} {two})": 1,
            lambda: f"({self.one('int', 'math.floor', 'math.ceil')}({number}) if -99.0 < {number} < 99.0 else {small})": 1,
            lambda: f"whole({number})": 2,
        }
        return self.random.choices(list(ways), list(ways.values()))[0]()

    # ------------------------------------------------------------ truths

    def truth(self, deep: int, sight: Sight) -> str:
        """Something that holds or not: a condition, or a number as one."""
        kind = "number" if self.often(0.7) else "whole"
        one, two, three = (self.of(kind, deep - 1, sight) for _ in range(3))
        less, same = ("<", "<=", ">", ">="), ("==", "!=")
        ways = {
            lambda: f"{one} {self.one(*less)} {two}": 8,
            lambda: f"{one} {self.one(*less, *same)} {two}": 2,
            lambda: f"{one} {self.one('<', '<=')} {two} {self.one('<', '<=', '>', '!=')} {three}": 2,
            lambda: f"isnan({self.of('number', deep - 1, sight)})": 1,
            lambda: self.one(*sight.readable("truth"), "True") if deep < 2 else f"not {self.truth(deep - 1, sight)}": 3,
            lambda: self.one(*sight.readable(kind), one): 1,
            lambda: f"{self.of('whole', deep - 1, sight)} {self.one('in', 'not in')} {self.two_whole(sight)}": 1,
        }
        if deep > 1:
            sides = (self.of("truth", deep - 1, sight), self.of("truth", deep - 1, sight))
            ways[lambda: f"({sides[0]} {self.one('and', 'or')} {sides[1]})"] = 6
            ways[lambda: f"(not ({sides[0]} {self.one('and', 'or')} {sides[1]}))"] = 1
            ways[lambda: f"({sides[0]} and {sides[1]} or {self.truth(0, sight)})"] = 1
        return self.random.choices(list(ways), list(ways.values()))[0]()

    def two_whole(self, sight: Sight) -> str:
        """What a whole number may be among."""
        return f"({self.random.randint(0, 2)}, {self.whole(0, sight)})"
