"""How a sweep runs a strategy's lanes, and where they leave that way, in the lines of whoever wrote it."""

from pathlib import Path

from backtester import engine
from backtester.engine.abreast.written import write
from backtester.engine.bind import Bound

ENGINE = Path(engine.__file__).parent


def ways_of(bound: Bound) -> list[str]:
    """What to tell of the lanes of a bound strategy: a heading, then a line a place, file:line: reason."""
    try:
        written = write(bound.roles, bound.hooks, bound.helpers, bound.lane, bound.mind, bound.group["seen"])
    except Exception as reason:  # whatever a hook has that nobody thought of
        return [f"Sweeps run its lanes one by one: {reason}"]
    places = [near(place) for place in written.escapes if str(ENGINE) not in place]
    if written.whole:
        return ["Sweeps run its lanes one by one: abreast nothing would be left of a hook, for at every instant", *map(near, written.whole)]
    if not places:
        return ["Large sweeps run its lanes abreast, in vectors."]
    return ["Large sweeps run its lanes abreast, in vectors; for one instant a lane leaves, and runs alone, where", *places]


def near(place: str) -> str:
    """The place with a path that is short from here."""
    file, rest = place.split(":", 1)
    here = Path.cwd()
    return f"  {Path(file).relative_to(here) if Path(file).is_relative_to(here) else file}:{rest}"
