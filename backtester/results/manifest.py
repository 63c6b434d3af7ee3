"""What it takes to run a result again to the same bytes."""

import platform

import numba
import numpy as np
import pyarrow as pa

import backtester
from backtester.checkout import ROOT
from backtester.engine.listen import ANY, audible
from backtester.market.schema import TRADED


def manifest_of(bound, market, config: dict, overrides=()) -> dict:
    """The manifest of a run or a sweep; `config` has the keys data, strategy, venue, seed; `overrides` is how a command line spelled it."""
    return {
        "strategy": {"name": config["strategy"]["name"], "class": bound.name, "fingerprint": bound.key},
        "data": market.source | {"counts": market.counts},
        "config": config,
        "overrides": list(overrides),
        "assumptions": market.source.get("accepted", []) + assumptions(market, config["venue"]) + unheard(bound.cls, market),
        "code": {"version": backtester.__version__, "commit": commit()},
        "packages": {"python": platform.python_version(), "numpy": np.__version__, "numba": numba.__version__, "pyarrow": pa.__version__},
    }


def assumptions(market, venue: dict) -> list[str]:
    """What the result takes for granted, one sentence each; every fallback in force is named FALLBACK."""
    bound = [each for each in market.instruments if each.name]
    perps = [each for each in bound if each.kind == "perp"]
    out = [FILLS[venue["fills"]].format(**venue), f"inside a bar {PATHS[venue['path']]}", takers(venue)]
    for each in bound:
        out += of_instrument(venue, each)
    for perp in perps:
        out += of_perpetual(market, venue, perp.name)
    if perps:
        together = "; a liquidation closes all of them" if venue["margin"] == "cross" and len(perps) > 1 else ""
        out += [MARGIN[venue["margin"]].format(**venue) + together, LIQUIDATION[venue["liquidation"]]]
    if len({span.interval for (stream, _), span in market.spans.items() if stream in TRADED}) > 1:
        out.append("bars of different lengths: a fill inside a long bar is booked when that bar is known; closes in between lack it")
    out.append("not modelled: queues beyond `through the price`, margin reserved by waiting orders, partial liquidation, auto-deleveraging")
    return out


def unheard(cls: type, market) -> list[str]:
    """What the strategy listens to and the data do not have: it stays unknown, and what needs it is blocked or counted out."""
    hooks = {hook.partition("_")[2] for hook in dir(cls) if hook.startswith(("see_", "on_"))}
    silent = [name for name, stream, index in audible(market.roles) if name in hooks and not has(market, stream, index)]
    absent = [asset for asset in getattr(cls, "optional", ()) if f"{asset}_spot" not in market.roles]
    return [f"FALLBACK {cls.__name__} listens to {name}, of which the data have nothing: unknown to it" for name in silent + absent]


def has(market, stream: str, index: int) -> bool:
    """Whether an instrument has rows of a stream; of what belongs to no instrument, whether there are any."""
    return any(name == stream and index in (ANY, i) for name, i in market.spans)


def takers(venue: dict) -> str:
    """What an order that takes pays beyond the price it meets, and how much of a bar it may have."""
    parts = [f"{venue['slippage_bp']:g} bp of slippage"]
    if venue["spread_bp"]:
        parts.append(f"half of a spread of {venue['spread_bp']:g} bp")
    if venue["impact_bp"]:
        parts.append(f"an impact of {venue['impact_bp']:g} bp times the square root of its share of the bar's volume")
    out = f"an order that takes pays {', '.join(parts)}"
    if venue["participation"] is not None:
        out += f"; at most {100 * venue['participation']:g} % of a bar's volume fills"
    if venue["participation"] is not None or venue["impact_bp"]:
        out += "; a bar whose volume is 0 or unknown fills nothing"
    return out


def of_instrument(venue: dict, instrument) -> list[str]:
    """Fees, steps and smallest order of one instrument."""
    out = [f"{instrument.name}: fees {fee(venue, instrument, 'taker_bp')}, {fee(venue, instrument, 'maker_bp')}"]
    if venue["maker_bp"] is None and instrument.maker_bp is None:
        out.append(f"{instrument.name}: FALLBACK no maker fee is named: an order that rested pays the taker's")
    if unknown := [words for name, words in STEPS.items() if getattr(instrument, name) is None]:
        out.append(f"{instrument.name}: FALLBACK the data set names no {', no '.join(unknown)}: orders pass as they are asked")
    return out


def fee(venue: dict, instrument, key: str) -> str:
    """One fee and where it comes from, in the order in which the venue looks for it."""
    for source, holder, name in (("venue", venue, key), ("data set", vars(instrument), key), ("venue", venue, "taker_bp")):
        if holder[name] is not None:
            return f"{key.removesuffix('_bp')} {holder[name]:g} bp ({source})"
    return f"{key.removesuffix('_bp')} {instrument.taker_bp:g} bp (data set)"


def of_perpetual(market, venue: dict, name: str) -> list[str]:
    """Mark, funding, brackets and liquidation fee of one perpetual."""
    out = of_mark(market, name)
    if not market.counts.get(f"funding/{name}"):
        out.append(f"{name}: FALLBACK venue.missing_funding=free: no funding data, held free of charge")
    brackets = market.source.get("brackets", {}).get(name)
    if venue["maintenance_bp"] is not None:
        out.append(f"{name}: FALLBACK venue.maintenance_bp: {venue['maintenance_bp']:g} bp of notional in place of margin brackets")
    elif brackets:
        out += of_brackets(name, brackets)
    if venue["liquidation"] == "mark_slip":
        given = venue["liquidation_fee_bp"]
        out.append(f"{name}: liquidation fee {'as its margin brackets say' if given is None else f'{given:g} bp (venue)'}")
    return out


def of_mark(market, name: str) -> list[str]:
    """What a perpetual is valued and liquidated at, and for which share of its bars that is known in time."""
    index = next(n for n, each in enumerate(market.instruments) if each.name == name)
    kinds = [kind for kind in MARKS if market.counts.get(f"{kind}_bars/{name}")]
    if not kinds:
        return [f"{name}: FALLBACK no mark or index stream: valued and liquidated at its own price"]
    bars, marks = (market.tables.get((f"{kind}_bars", index), market.streams.bars[:0]) for kind in ("perp", kinds[0]))
    at = np.minimum(np.searchsorted(marks["ts_close"], bars["ts_close"]), len(marks) - 1)
    known = (marks["ts_close"][at] == bars["ts_close"]) & (marks["ts_known"][at] <= bars["ts_known"])
    share = known.mean() if len(known) else 0.0
    said = f"valued and liquidated at {MARKS[kinds[0]]}, known in time for {100.0 * share:.4g} % of its bars; else at its own price"
    return [f"{name}: {said}" if share >= MOST else f"{name}: FALLBACK {said}"]


def of_brackets(name: str, brackets: dict) -> list[str]:
    """Where the margin brackets of a perpetual are from; a version without any known table is a fallback."""
    versions = {each["valid_from"][:10]: each["basis"] for each in brackets["versions"]}
    out = [f"{name}: margin brackets of {brackets['file']}, in force since {', '.join(versions)}; their grounds: data.brackets"]
    guessed = {since: basis for since, basis in versions.items() if basis.lower().startswith("assumed")}
    return out + [f"{name}: FALLBACK margin brackets since {since}: {basis.rstrip('.')}" for since, basis in guessed.items()]


STEPS = {"tick": "tick", "lot": "lot", "min_notional": "smallest order"}
MOST = 0.99  # of the bars have a mark, or it is a fallback that they have not
MARKS = {"mark": "its mark price", "index": "its index price and the basis"}  # in the order in which the venue looks for them
FILLS = {
    "next_open": "a market order fills at its instrument's next open, which is older than the decision by the bar's publication lag",
    "strict": "an order meets the first bar that opens {latency_ms:g} ms or more after the decision",
}
PATHS = {
    "adverse": "the price goes to the extreme that is worse for the position first (venue.path=adverse)",
    "ohlc": "the price goes to the high first (venue.path=ohlc)",
    "olhc": "the price goes to the low first (venue.path=olhc)",
    "nearest": "the price goes to the nearer extreme first (venue.path=nearest)",
}
MARGIN = {
    "cross": "cross margin, leverage {leverage:g}: the account stands behind all perpetuals, spot holdings do not",
    "isolated": "isolated margin, leverage {leverage:g}: each perpetual has a wallet of its own",
}
LIQUIDATION = {
    "bankruptcy": "what is liquidated loses all of its margin",
    "mark_slip": "what is liquidated is closed at the worse of mark and price, with slippage and a fee, at most its margin is lost",
}


def commit() -> str | None:
    """The commit that is checked out, None outside a checkout."""
    head = ROOT / ".git" / "HEAD"
    if not head.is_file():
        return None
    text = head.read_text().strip()
    ref = ROOT / ".git" / text.removeprefix("ref: ")
    return text if not text.startswith("ref: ") else (ref.read_text().strip() if ref.is_file() else None)
