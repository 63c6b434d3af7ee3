"""What a data set holds and what is wrong with it, in the terminal: `backtester data show` and `backtester data check`."""

import sys
from pathlib import Path

import numpy as np
import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from backtester.checkout import ROOT
from backtester.market.check import check_tables
from backtester.market.dataset import invent, locate, read_header
from backtester.market.quality import verdict
from backtester.market.quality.finding import CHECKS, Finding
from backtester.market.quality.repair import repair
from backtester.market.quality.stored import Stored, examine_stored, read_stored
from backtester.market.times import UNITS, iso, length
from backtester.records import BAR, STREAMS

BLOCKS = " ▁▂▃▄▅▆▇█"  # how much of a stretch has its rows, from none to all
WIDTH = 60            # stretches of a picture


def wide_console() -> Console:
    """Where nobody watches, a line may be as long as it must."""
    return Console(width=None if sys.stdout.isatty() else 120)


def opened(name: str) -> Stored:
    """A data set by its name in conf/data, or its folder; an invented one is generated where it is absent."""
    folder, _ = locate(name)
    if folder.parent == ROOT / "data":
        invent(folder)
    header, sha256 = read_header(folder)
    stored = read_stored(folder, header)
    stored.files["dataset.yaml"] = sha256
    return stored


def check(name: str, repairing: bool) -> int:
    """Check a data set, print what was found and write it down beside it; repair it first where that is asked. The number of faults."""
    console, stored = wide_console(), opened(name)
    if repairing:
        for each in repair(stored):
            console.print(f"repaired  {each.stream}/{each.instrument}: {each.check}: {each.rule} ({each.rows} rows, from {each.first} on)")
        stored = opened(name)
    tell_changed(stored)
    findings = examine_stored(stored)
    show_coverage(console, stored)
    show_findings(console, stored, findings)
    loads = not any(each.check == "refused" for each in findings)
    if loads:
        check_tables(stored.header.name, stored.header.instruments, stored.tables)
    verdict.keep(stored.folder, stored.files if loads else {}, findings)
    return sum(each.fault for each in findings)


def tell_changed(stored: Stored) -> None:
    """Say which files are not those of the last check: from now on what stands there counts as checked."""
    before, _ = verdict.kept(stored.folder) or ({}, [])
    for name, sha256 in before.items():
        if name != "dataset.yaml" and stored.files.get(name) != sha256:
            Console(stderr=True).print(f"[yellow]{escape(name)} is not the file that was checked before", soft_wrap=True)


def show_findings(console: Console, stored: Stored, findings: list[Finding]) -> None:
    """A line for each finding, with its file and row, and what could be done about it."""
    for each in findings:
        file, row = stored.place(each)
        colour, word = ("red", "FAULT") if each.fault else ("dim", "note ")
        more = f" ({each.rows:,} rows)" if each.rows > 1 else ""
        console.print(f"[{colour}]{word} {each.check}[/]: {escape(each.says)}{more}", soft_wrap=True)
        console.print(f"      [dim]{escape(str(stored.folder / file))}, row {row} ({iso(each.start)})", soft_wrap=True)
    faults = [each for each in findings if each.fault]
    for check_name in dict.fromkeys(each.check for each in faults):
        rule = CHECKS[check_name].repair
        way = f"--repair: {rule}" if rule else "no rule repairs it"
        console.print(f"{check_name}: {CHECKS[check_name].text}; {way}", soft_wrap=True)
    console.print(f"{stored.header.name}: {len(faults)} faults, {len(findings) - len(faults)} notes")


def show_coverage(console: Console, stored: Stored) -> None:
    """A picture of what each stream has of the data set's period: a block for each stretch of time."""
    first, last = period_of(stored)
    edges = np.linspace(first, last, WIDTH + 1)
    console.print(f"coverage, {iso(first)} to {iso(last)}, each block {(last - first) / WIDTH / UNITS['d']:.3g} days")
    for (stream, index), table in stored.tables.items():
        share = coverage(table, spacing(stored, stream, table), edges)
        picture = "".join(BLOCKS[max(int(each * (len(BLOCKS) - 1)), int(each > 0))] for each in share)
        name = f"{stream}/{stored.header.instruments[index].name}"
        console.print(f"  {name:<32}│{picture}│ {100 * share.mean():.4g} %", highlight=False, soft_wrap=True)


def period_of(stored: Stored) -> tuple[int, int]:
    """The first and the last moment of all streams, ns."""
    ends = [table["ts_close" if STREAMS[stream] is BAR else "ts_event"].max() for (stream, _), table in stored.tables.items() if len(table)]
    return min(int(table["ts_event"].min()) for table in stored.tables.values() if len(table)), int(max(ends))


def coverage(table: np.ndarray, every: int, edges: np.ndarray) -> np.ndarray:
    """Share (n,) of each stretch between `edges` that has the rows it should; of a stream without a clock, whether it has any."""
    counts = np.histogram(table["ts_event"].astype("f8"), edges)[0]
    wanted = np.maximum(np.diff(edges) / every, 1.0) if every else 1.0
    return np.minimum(counts / np.floor(wanted) if every else counts > 0, 1.0)


def spacing(stored: Stored, stream: str, table: np.ndarray) -> int:
    """The clock of a stream, ns: as the header says, else that of most of its rows where they keep one; 0: none."""
    known = verdict.spacing(stream, table, stored.header.intervals)
    if known or len(table) < 3 or stream in ("trades", "liquidations", "depth", "exogenous"):
        return known
    steps, counts = np.unique(np.diff(table["ts_event"]), return_counts=True)
    return int(steps[counts.argmax()]) if counts.max() > 0.5 * counts.sum() else 0


def show(name: str) -> None:
    """Print what a data set holds."""
    console, stored = wide_console(), opened(name)
    header = yaml.safe_load((stored.folder / "dataset.yaml").read_text(encoding="utf-8"))
    first, last = period_of(stored)
    console.print(f"{stored.header.name}: {iso(first)} to {iso(last)}", highlight=False, soft_wrap=True)
    if header.get("licence"):
        console.print(f"licence: {escape(str(header['licence']))}", style="dim", soft_wrap=True)
    for each in stored.header.instruments:
        fees = {"taker": each.taker_bp, "maker": each.maker_bp}
        told = ", ".join(f"{side} {bp:g} bp" for side, bp in fees.items() if bp is not None)
        console.print(f"  {each.role:<14}{escape(each.name or 'none'):<24}{told}".rstrip(), highlight=False)
    console.print(table_of(stored))
    for line in premiums(stored):
        console.print(line, highlight=False, soft_wrap=True)
    written = verdict.kept(stored.folder)
    faults = "not checked yet" if written is None else f"{sum(each.fault for each in written[1])} faults"
    console.print(f"{faults}: see backtester data check {name}", highlight=False)


def table_of(stored: Stored) -> Table:
    """A row for each stream of each instrument."""
    out = Table("stream", "from", "to", "every")
    for column in ("rows", "gaps", "missing", "on disk"):
        out.add_column(column, justify="right")
    for (stream, index), table in stored.tables.items():
        every = spacing(stored, stream, table)
        holes = np.maximum(np.rint(np.diff(table["ts_event"]) / every).astype("i8") - 1, 0) if every else np.zeros(0, "i8")
        size = sum(path.stat().st_size for path, _ in stored.parts[stream, index])
        out.add_row(
            f"{stream}/{stored.header.instruments[index].name}", *(iso(table["ts_event"][row])[:16] for row in (0, -1)),
            length(every) if every else "-", f"{len(table):,}", f"{(holes > 0).sum():,}" if every else "-",
            f"{holes.sum():,}" if every else "-", f"{size / 1e6:.2f} MB",
        )
    return out


def premiums(stored: Stored) -> list[str]:
    """Spot over perpetual, close to close, of every asset and year, in basis points."""
    out = []
    roles = {each.role: index for index, each in enumerate(stored.header.instruments)}
    for role, index in roles.items():
        other = role.replace("spot", "perp")
        pair = ("spot_bars", index), ("perp_bars", roles.get(other, -1))
        if not role.endswith("spot") or any(key not in stored.tables for key in pair):
            continue
        spot, perp = (stored.tables[key] for key in pair)
        _, at, to = np.intersect1d(spot["ts_close"], perp["ts_close"], assume_unique=True, return_indices=True)
        premium = 1e4 * np.log(spot["close"][at] / perp["close"][to])
        years = spot["ts_event"][at].astype("M8[ns]").astype("M8[Y]")
        for year in np.unique(years):
            each = premium[years == year]
            spread = f"mean {each.mean():+.2f} bp, sd {each.std():.2f}, {each.min():+.1f} … {each.max():+.1f}"
            out.append(f"{role} over {other} {year}: {spread}, {len(each):,} pairs")
    return out


def faults_of(folder: Path) -> list[str]:
    """The faults that were written down beside a data set, one sentence each."""
    written = verdict.kept(folder)
    return [verdict.sentence(each) for each in (written[1] if written else []) if each.fault]
