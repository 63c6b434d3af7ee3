"""What the script of a run's page draws: panels on one time axis, the marks in them, and the numbers in blocks."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from backtester.report.encode import Blocks, Series, deflate, encode
from backtester.report.fuel_map import fuel_map
from backtester.report.marks import marks
from backtester.report.story import Strip, Zone, curves, heights, strips, tone, zones
from backtester.report.streams import assets_of, market_series, price_series
from backtester.report.view import RunView, premium_of
from backtester.results.benchmark import role_bars
from backtester.results.folder import Columns

MS = 1_000_000     # ns
LEVELS = {  # their colours
    "support": "support", "level": "support", "anchor": "door", "stop": "short", "soft_stop": "short", "goal": "long",
    "cluster_up": "warm", "cluster_down": "warm",
}
PROTECTS = ("stop", "soft_stop", "goal")
STEPS = 2_000      # between the lowest and the highest value of a traced number that has a panel of its own
TITLES = {
    "oi": ("Open interest", "base"), "funding": ("Funding", "bp a settlement"), "liquidations": ("Liquidations in each bar", "quote"),
    "flow": ("Net taker buying, summed up", "base"),
}
KEPT = (
    "side", "instrument", "entry_ts", "exit_ts", "qty", "entry_price", "exit_price", "pnl", "fees", "funding",
    "entry_reason", "exit_reason",
)


def run_doc(view: RunView) -> tuple[dict[str, Any], Blocks]:
    """The page's document and its blocks."""
    panels = panels_of(view)
    described, blocks = encode(list({each.id: each for panel in panels for each in panel["series"]}.values()))
    if "fuel_up" in view.trace and view.market is not None and (found := fuel_map(view.market, view.manifest["config"])):
        panels[0]["heat"], blocks["heat-price"] = found[0], deflate(found[1].tobytes())
    for panel in panels:
        panel["series"] = [each.id for each in panel["series"]]
    told = {
        "kind": "run", "name": view.name, "panels": panels, "series": described, "span": span(moments_of(view)),
        "trades": trade_columns(view.trades), "marks": mark_columns(view), "orders": order_columns(view.orders),
    }
    return told, blocks


def panels_of(view: RunView) -> list[dict[str, Any]]:
    """The panels in their order, each with its series."""
    levels, others = curves(view.trace, view.words, middle_of(view))
    return [*price_panels(view, levels), *seen_panels(view), *own_panels(view), *traced_panels(view, others)]


def panel(name: str, title: str, unit: str, height: int, series: Sequence[Series], **more: Any) -> dict[str, Any]:
    """One panel; `zero`: its axis includes it, `hidden`: shown where it is asked for."""
    return {"id": name, "title": title, "unit": unit, "height": height, "series": list(series), "zero": False, "hidden": False} | more


def price_panels(view: RunView, levels: list[str]) -> list[dict[str, Any]]:
    """Spot and perp of each asset, the first one's with what the strategy saw in them."""
    if view.market is None:
        return line_panels(view)
    found = []
    for asset, indices in assets_of(view.market).items():
        series = [price_series(view.market, index, candle=index == indices[-1]) for index in indices]
        names = [view.market.instruments[index].name for index in indices]
        own: dict[str, Any] = {"instruments": names}
        if not asset:
            series += [level_series(view, name) for name in levels]
            own |= {"zones": zone_rows(zones(view.trace, range_of(view))), "strips": strip_rows(strips(view.trace, view.words))}
        title, height = (f"Price of {asset.upper()}", 250) if asset else ("Price", 400)
        found.append(panel(f"{asset}price", title, "quote", height, series, **own))
    return found


def level_series(view: RunView, name: str) -> Series:
    """A traced price. One that protects a position is shown while there is one."""
    values = view.trace[name].astype(float)
    if name in PROTECTS and np.array_equal(view.trace["ts"], view.equity["ts"]):
        held = np.any([qty != 0 for column, qty in view.equity.items() if column.startswith("position_")], axis=0)
        values = np.where(held, values, np.nan)
    return Series(f"level_{name}", name.replace("_", " "), "quote", LEVELS.get(name, "premium"), view.trace["ts"], values, 2, "step", True)


def line_panels(view: RunView) -> list[dict[str, Any]]:
    """Prices without bars: the closes as lines."""
    series = [Series(role, role, "quote", role, *view.prices[role]) for role in ("spot", "perp") if role in view.prices]
    return [panel("price", "Price", "quote", 400, series, instruments=None)] if series else []


def seen_panels(view: RunView) -> list[dict[str, Any]]:
    """The premium, and the market's other streams."""
    found = []
    if premium := premium_of(view.prices):
        series = [Series("premium", "spot over perp", "bp", "premium", *premium, digits=3)]
        found.append(panel("premium", "Premium of spot over perp", "bp", 110, series, zero=True))
    for asset, indices in assets_of(view.market).items() if view.market is not None else ():
        for name, series in market_series(view.market, asset, indices).items():
            title, unit = TITLES[name.removeprefix(asset)]
            zero = name.endswith(("funding", "liquidations"))
            found.append(panel(name, f"{title} of {asset.upper()}" if asset else title, unit, 96, series, zero=zero, hidden=bool(asset)))
    return found


def own_panels(view: RunView) -> list[dict[str, Any]]:
    """Position, equity beside buy-and-hold, drawdown, margin wallets."""
    ts = view.equity["ts"]
    held = {name.removeprefix("position_"): qty for name, qty in view.equity.items() if name.startswith("position_")}
    traded = {name: qty for name, qty in held.items() if np.any(qty != 0)} or dict(list(held.items())[:1])
    positions = [Series(f"position_{i}", name, "base", f"c{i % 10}", ts, qty, 6, "step") for i, (name, qty) in enumerate(traded.items())]
    curve = [Series("hold", "buy and hold", "quote", "hold", *view.hold, digits=2)] if view.hold else []
    curve.append(Series("equity", "strategy", "quote", "strategy", ts, view.equity["equity"], digits=2))
    found = [
        panel("position", "Position", "base", 96, positions, zero=True),
        panel("equity", "Equity", "quote", 190, curve),
        panel("drawdown", "Drawdown", "%", 100, [
            Series("drawdown", "below the peak", "%", "loss", ts, -100 * view.equity["drawdown"], 4, "area")], zero=True),
    ]
    if view.wallets:
        wallets = [
            Series(f"wallet_{i}", name, "quote", f"c{i % 10}", at, left, 2, "step")
            for i, (name, (at, left)) in enumerate(view.wallets.items())
        ]
        found.append(panel("wallets", "Margin wallets", "quote", 96, wallets, zero=True))
    return found


def traced_panels(view: RunView, others: list[str]) -> list[dict[str, Any]]:
    """A panel for every other traced number, hidden at first."""
    found = []
    for name in others:
        values = view.trace[name].astype(float)
        label, digits = name.replace("_", " "), heights(values, STEPS)
        series = [Series(f"trace_{name}", label, "", "c5", view.trace["ts"], values, digits, "step")]
        found.append(panel(f"trace_{name}", f"Seen: {label}", "", 90, series, hidden=True))
    return found


def range_of(view: RunView) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Closes (ns), lows and highs of the perp, else the spot, of the first asset."""
    for index in (1, 0) if view.market is not None else ():
        rows = role_bars(view.market, index)
        if len(rows):
            return rows["ts_close"], rows["low"], rows["high"]
    return None


def middle_of(view: RunView) -> float | None:
    """The median of the price, quote."""
    for role in ("perp", "spot"):
        if role in view.prices:
            return float(np.nanmedian(view.prices[role][1]))
    return None


def zone_rows(found: list[Zone]) -> list[list[float]]:
    """Each door as number, start and end (ms), low, high, anchor."""
    return [[zone.number, zone.start // MS, zone.end // MS, zone.low, zone.high, zone.anchor] for zone in found]


def strip_rows(found: list[Strip]) -> list[dict[str, Any]]:
    """Each strip with its words, their colours, and its stretches (ms)."""
    return [
        {"label": strip.label, "words": strip.words, "tones": [tone(word) for word in strip.words],
         "start": (strip.start // MS).tolist(), "code": strip.code.tolist(), "end": strip.end // MS}
        for strip in found
    ]


def trade_columns(trades: Columns) -> dict[str, list]:
    """The trades by column, in the order in which they were closed; moments in ms, words as places in a list of their own."""
    found: dict[str, Any] = {}
    for name in KEPT:
        column = trades[name]
        if column.dtype == object:
            words = list(dict.fromkeys(column.tolist()))
            found[name] = {"words": words, "code": [words.index(word) for word in column.tolist()]}
        else:
            found[name] = ((column // MS) if name.endswith("_ts") else np.round(column, 8)).tolist()
    return found


def mark_columns(view: RunView) -> list[list[Any]]:
    """Every entry, exit and liquidation: moment (ms), price, side, kind, what the tooltip says, instrument."""
    return [[mark.ts // MS, mark.value, mark.side, mark.kind, mark.title, mark.instrument] for mark in marks(view.fills)]


def order_columns(orders: Columns) -> list[list[Any]]:
    """What rested at a price: from and until (ms; None: to the end), price, kind, instrument."""
    if "kind" not in orders:
        return []
    limit, trigger = orders["limit"].astype(float), orders["trigger"].astype(float)
    price = np.where(np.isnan(limit), trigger, limit)
    rested = np.flatnonzero(np.isfinite(price) & (orders["status"] != "refused"))
    return [
        [int(orders["ts"][i]) // MS, int(orders["ts_done"][i]) // MS or None, float(price[i]), orders["kind"][i], orders["instrument"][i]]
        for i in rested
    ]


def moments_of(view: RunView) -> list[np.ndarray]:
    """The moments that a page has to span, ns."""
    prices = [ts for ts, _ in view.prices.values()]
    return [ts for ts in (view.equity["ts"], view.fills["ts"], *prices) if len(ts)]


def span(moments: list[np.ndarray]) -> list[int]:
    """First and last of some moments, ms."""
    return [min(int(ts[0]) for ts in moments) // MS, max(int(ts[-1]) for ts in moments) // MS] if moments else [0, 1]
