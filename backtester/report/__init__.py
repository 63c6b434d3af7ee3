"""What the user looks at: the pages of runs, comparisons, sweeps and walk-forwards, and the tables in the terminal."""

import json
from collections.abc import Sequence
from pathlib import Path

from backtester.errors import UserError

RUNS = "comparison.json"  # in a comparison's folder: which runs it compared


def write(folder: str | Path, rows: int = 20) -> Path:
    """Write the page of a finished run, sweep, walk-forward or comparison again, as its folder tells which; returns the page's path."""
    folder = Path(folder)
    page = folder / "report.html"
    if (folder / "sweep.parquet").is_file():
        from backtester.report.sweep_page import write_sweep_page
        from backtester.report.sweep_view import view_of_sweep

        return write_sweep_page(page, view_of_sweep(folder), rows)
    if (folder / "walk_forward.parquet").is_file():
        from backtester.report.walk_page import write_walk_page
        from backtester.report.walk_view import view_of_walk

        return write_walk_page(page, view_of_walk(folder))
    if (folder / RUNS).is_file():
        return write_comparison(folder, json.loads((folder / RUNS).read_text(encoding="utf-8"))["runs"])
    if (folder / "metrics.json").is_file():
        from backtester.report.page import write_run_page
        from backtester.report.view import market_of, view_of_run

        try:
            market = market_of(folder)
        except UserError:  # a run may outlive its data set: the page says that the prices are missing
            market = None
        return write_run_page(page, view_of_run(folder, market))
    looked = f"metrics.json, sweep.parquet, walk_forward.parquet or {RUNS}"
    raise UserError(f"{folder}: no run, sweep, walk-forward or comparison: it has no {looked}")


def write_comparison(folder: str | Path, runs: Sequence[str | Path]) -> Path:
    """Compare runs by their folders and leave the page and the list of runs in `folder`; returns the page's path."""
    from backtester.report.compare_page import write_compare_page
    from backtester.report.render import write as write_text
    from backtester.results.compare import compare

    comparison = compare(runs)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / RUNS, json.dumps({"runs": [str(Path(run).absolute()) for run in runs]}, indent=2) + "\n")
    return write_compare_page(folder / "report.html", comparison)
