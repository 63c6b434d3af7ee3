"""The assets of invented markets: how an exchange lists their instruments, and how much of them trades."""

from typing import NamedTuple


class Asset(NamedTuple):
    """One coin, on a spot market and as a perpetual."""

    coin: str
    prefix: str           # of its roles: empty for the first asset of a market
    spot_tick: float      # quote
    perp_tick: float      # quote
    spot_lot: float       # base
    perp_lot: float       # base
    spot_volume: float    # base per minute in a quiet market
    perp_volume: float    # base per minute in a quiet market
    volume_spread: float  # log spread of the volume's slow part
    open_interest: float  # base in a quiet market
    brackets: str         # the perpetual's margin tiers, a file of data/brackets

    @property
    def spot(self) -> str:
        """The name of its spot instrument."""
        return f"{self.coin}-SPOT"

    @property
    def perp(self) -> str:
        """The name of its perpetual."""
        return f"{self.coin}-PERP"

    def instruments(self) -> list[dict]:
        """Its entries under `instruments` in dataset.yaml."""
        spot = {"name": self.spot, "role": f"{self.prefix}spot", "tick": self.spot_tick, "lot": self.spot_lot, "min_notional": 5.0}
        perp = {"name": self.perp, "role": f"{self.prefix}perp", "tick": self.perp_tick, "lot": self.perp_lot, "min_notional": 100.0}
        return [
            spot | {"taker_bp": 10.0, "maker_bp": 10.0},
            perp | {"taker_bp": 5.0, "maker_bp": 2.0, "brackets": self.brackets},
        ]


BTC = Asset("BTC", "", 0.01, 0.1, 1e-5, 1e-3, 14.0, 80.0, 0.45, 90_000.0, "binance_btcusdt")
ETH = Asset("ETH", "eth_", 0.01, 0.01, 1e-4, 1e-3, 300.0, 1_500.0, 0.1, 1_900_000.0, "binance_ethusdt")
