"""The real data sets: built outside git from a folder of raw market files."""

import os
from pathlib import Path

from backtester.checkout import ROOT
from backtester.errors import UserError
from backtester.sources.recipe import import_recipe

RECIPES = ("btc_5m", "btc_flow", "btc_1h", "btc_eth_1m")


def raw_folder() -> Path:
    """The folder of the raw files: what BACKTESTER_REAL_DATA names, else the one beside the checkout."""
    folder = Path(os.environ.get("BACKTESTER_REAL_DATA", ROOT.parent / "shared" / "data" / "market"))
    if not folder.is_dir():
        raise UserError(f"no real data at {folder}: set BACKTESTER_REAL_DATA to the folder that holds the raw market files")
    return folder


def build_real_data() -> None:
    """Build every real data set under data/, and print a line for each."""
    folder = raw_folder()
    for name in RECIPES:
        print(import_recipe(name, folder, ROOT / "data" / name).line())
