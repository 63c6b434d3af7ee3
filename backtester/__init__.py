"""Event-driven backtests of stories about spot and perpetual futures: one causal clock, an honest venue, sweeps from configs.

import backtester as bt; bt.load, bt.run, bt.sweep, bt.compare, bt.with_signals. They are imported when they are first used.
"""

__version__ = "0.1.0"
__all__ = ["compare", "load", "run", "sweep", "with_signals"]


def __getattr__(name):
    if name in __all__:
        from backtester import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
