"""Random scripts of market orders through the venue and through vectorbt: the same equity at every close.

What both can express: one instrument, market orders at the next open, fees and slippage in proportion, long and short within the
cash. Where they differ, and what is therefore left out: vectorbt lets a short grow beyond the cash and refuses a purchase for which
the cash without the proceeds of shorts is too little; the venue looks at the margin balance in both directions, pays funding and
liquidates. On spot both refuse a purchase that the cash cannot pay, so there the scripts ask for too much as well.
"""

from collections import Counter

import numpy as np
import pytest
from acting import act_out
from reference.by_hand import NAMES, ROLES, SECOND, START, VENUE, bars
from reference.orders import Action

from backtester.market.schema import Instrument

pytestmark = pytest.mark.filterwarnings("ignore")  # vectorbt's own, about its dependencies
SCRIPTS, BARS, CASH = 200, 100, 1e6
FEE_BP, SLIP_BP, BP = 5.0, 3.0, 1e-4
SPOT, PERP = 0, 1


def prices(rng, scripts: int) -> dict[str, np.ndarray]:
    """open, high, low, close of a random walk for each script, (BARS, scripts)."""
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, (BARS, scripts)), axis=0))
    first = np.vstack([np.full((1, scripts), 100.0), close[:-1]]) * np.exp(rng.normal(0.0, 0.003, (BARS, scripts)))
    return {"open": first, "high": np.maximum(first, close) * 1.001, "low": np.minimum(first, close) * 0.999, "close": close}


def sizes(rng, price: dict[str, np.ndarray], role: int) -> np.ndarray:
    """Signed orders that fill at the open of their bar, NaN where there is none, (BARS, scripts).

    On the perpetual the position wanders within 40 % of the cash either way; on spot half of what the cash can pay is asked and more.
    """
    shape = price["open"].shape
    room = CASH / price["open"].max(axis=0)
    wanted = (rng.uniform(-0.4, 0.4, shape) if role == PERP else rng.uniform(0.0, 1.2, shape)) * room
    asks = rng.random(shape) < rng.uniform(0.02, 0.4, shape[1])
    asks[0] = False  # nothing is decided before the first bar is known
    out, held = np.full(shape, np.nan), np.zeros(shape[1])
    for n in range(BARS):
        out[n] = np.where(asks[n], wanted[n] - held, np.nan)
        held = np.where(asks[n], wanted[n], held)
    return out


def ours(price: dict[str, np.ndarray], size: np.ndarray, role: int) -> dict:
    """The tables of one script in the venue."""
    table = bars(list(zip(*(price[name] for name in ("open", "high", "low", "close")), strict=True)))
    instruments = [Instrument(NAMES[n] if n == role else "", ROLES[n]) for n in range(4)]
    asked = [
        Action(START + (60 * n + 1) * SECOND - SECOND // 2, True, "market", role, qty=float(size[n]))
        for n in np.flatnonzero(~np.isnan(size))
    ]
    venue = VENUE | {"cash": CASH, "taker_bp": FEE_BP, "slippage_bp": SLIP_BP, "leverage": 1.0, "maintenance_bp": 1.0}
    return act_out({(("spot_bars", "perp_bars")[role], role): table}, instruments, venue, asked)


def theirs(price: dict[str, np.ndarray], size: np.ndarray, role: int):
    """vectorbt's portfolio of all scripts at once."""
    import pandas as pd
    import vectorbt as vbt

    return vbt.Portfolio.from_orders(
        pd.DataFrame(price["close"]),
        size=size,
        price=price["open"],
        fees=FEE_BP * BP,
        slippage=SLIP_BP * BP,
        init_cash=CASH,
        allow_partial=False,
        direction=("longonly", "both")[role],
        freq="1min",
    )


def compare(scripts: int, role: int, seed: int) -> Counter:
    """Counts of what was compared, and the largest relative difference of two equities. Raises AssertionError for what differs."""
    rng = np.random.default_rng(seed)
    price = prices(rng, scripts)
    size = sizes(rng, price, role)
    portfolio = theirs(price, size, role)
    value, records = portfolio.value().to_numpy(), portfolio.orders.records
    counts, worst = Counter(), 0.0
    for k in range(scripts):
        tables = ours({name: column[:, k] for name, column in price.items()}, size[:, k], role)
        equity = np.array(tables["equity"]["equity"])
        own = records[records["col"] == k]
        np.testing.assert_allclose(equity, value[:, k], rtol=1e-9)
        np.testing.assert_allclose(np.abs(tables["fills"]["qty"]), own["size"], rtol=1e-9)
        np.testing.assert_allclose(tables["fills"]["price"], own["price"], rtol=1e-12)
        np.testing.assert_allclose(tables["fills"]["fee"], own["fees"], rtol=1e-9, atol=1e-9)
        worst = max(worst, float(np.abs(equity / value[:, k] - 1.0).max()))
        held = np.array(tables["equity"][f"position_{NAMES[role]}"])
        counts.update(
            scripts=1,
            closes=len(equity),
            orders=len(tables["orders"]["id"]),
            fills=len(own),
            refused=tables["orders"]["status"].count("refused"),
        )
        counts.update(
            turns=int((held[1:] * held[:-1] < 0.0).sum()), closes_short=int((held < 0.0).sum()), closes_long=int((held > 0.0).sum())
        )
    counts["worst"] = worst
    return counts


def test_long_and_short_on_the_perpetual():
    counts = compare(SCRIPTS, PERP, seed=1)
    assert counts["scripts"] == SCRIPTS
    assert counts["fills"] == counts["orders"] > 10 * SCRIPTS
    assert min(counts["turns"], counts["closes_short"], counts["closes_long"]) > 10 * SCRIPTS


def test_spot_with_what_the_cash_cannot_pay():
    counts = compare(SCRIPTS, SPOT, seed=2)
    assert counts["closes_long"] > 10 * SCRIPTS
    assert counts["refused"] > SCRIPTS
    assert counts["fills"] + counts["refused"] == counts["orders"]
