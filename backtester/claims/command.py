"""`backtester claims`: load, measure, trade, print, and leave a folder to send to others."""

from pathlib import Path

from backtester.claims.earned import earn
from backtester.claims.find import claims_of
from backtester.claims.judge import ALPHA
from backtester.claims.measured import ALL, measure_claims
from backtester.claims.page import write_page
from backtester.claims.table import columns, show, summary
from backtester.honesty.command import counting
from backtester.market.dataset import load
from backtester.results.bootstrap import DRAWS
from backtester.results.write import write_folder


def run_claims(data: str, own: str | None, folder: Path, seed: int = 0) -> Path:
    """Measure the documents' claims, or those of a file, on a data set; returns the folder. Raises UserError for what cannot be right."""
    claims = claims_of(own) if own else ALL
    market = load(data)
    with counting() as progress:
        measured = measure_claims(market, claims, seed=seed, progress=progress)
        earned = earn(market, claims, progress)
    manifest = {
        "data": market.source | {"name": market.name}, "seed": seed, "draws": DRAWS, "false_discovery_rate": ALPHA,
        "comparisons": measured.comparisons, "summary": summary(measured),
        "strategies": [vars(each) for each in earned],
    }
    write_folder(folder, {"claims": columns(measured)}, {"manifest.json": manifest}, lambda path: write_page(path, measured, earned))
    show(measured, earned)
    print(f"report  {folder / 'report.html'}")
    return folder
