"""What is wrong with a data set: found once, kept beside it, and asked for before every run."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from backtester.errors import UserError
from backtester.market.quality.alone import examine_alone
from backtester.market.quality.finding import CHECKS, Finding
from backtester.market.quality.together import examine_together
from backtester.market.schema import Instrument, Market
from backtester.market.times import iso
from backtester.records import BAR, STREAMS

FILE = "check.json"  # beside dataset.yaml
ALL = "all"          # in data.accept: every check


def examine(instruments: tuple[Instrument, ...], tables: dict, intervals: dict[str, int]) -> list[Finding]:
    """Everything that the checks find in tables {(stream, instrument index): records}, faults first."""
    out: list[Finding] = []
    for (stream, index), table in tables.items():
        if len(table) and stream not in ("brackets", "exogenous"):
            out += examine_alone(stream, instruments[index].name, table, spacing(stream, table, intervals))
    for asset in dict.fromkeys(each.asset for each in instruments):
        own = {index: each.name for index, each in enumerate(instruments) if each.asset == asset}
        out += examine_together(own, {key: table for key, table in tables.items() if key[1] in own and len(table)})
    return sorted(out, key=lambda each: (not each.fault, list(CHECKS).index(each.check), each.stream, each.instrument, each.row))


def spacing(stream: str, table: np.ndarray, intervals: dict[str, int]) -> int:
    """The clock of a stream, ns: as its header says, of bars their length, 0 where rows follow none."""
    if STREAMS[stream] is not BAR:
        return intervals.get(stream, 0)
    lengths = np.unique(table["ts_close"] - table["ts_event"])
    return int(lengths[0]) if len(lengths) == 1 else 0


def keep(folder: Path, files: dict[str, str], findings: Iterable[Finding]) -> None:
    """Write down what was found in the files {path in the folder: sha256} of a data set."""
    told = {"files": files, "findings": [each._asdict() for each in findings]}
    new = folder / f".{FILE}"
    new.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    new.replace(folder / FILE)


def kept(folder: Path) -> tuple[dict[str, str], list[Finding]] | None:
    """What was written down: sha256 per file, and the findings; None where nothing was. Raises UserError for a file that is damaged."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return dict(told["files"]), [Finding(**each) for each in told["findings"]]
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path}: is damaged: write it again with backtester data check {folder}") from None


Period = tuple[int | None, int | None]  # [start, end), ns; None: open


def is_checked(folder: Path, files: dict[str, str]) -> bool:
    """Whether files {path: sha256}, dataset.yaml among them, are to the byte those that were checked when they were written."""
    written = kept(folder)
    return written is not None and all(written[0].get(name) == sha256 for name, sha256 in files.items())


def demand(folder: Path, files: dict[str, str], found, period: Period, accept: Iterable[str], anew: bool) -> list[str]:
    """What a run takes with it although it is wrong, one sentence each.

    `files` {path: sha256} are those that it read; `found()` examines them where nothing is written down, or `anew`.
    Raises UserError for a fault that `accept` does not name.
    """
    accepted = accepted_checks(accept)
    written = kept(folder)
    faults = [each for each in (found() if written is None or anew else written[1]) if each.fault and overlaps(each, *period)]
    if written is not None:
        faults += [changed(name) for name in files if name != "dataset.yaml" and written[0].get(name) != files[name]]
    refused = [each for each in faults if each.check not in accepted]
    if refused:
        first, more = refused[0], f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
        names = ", ".join(dict.fromkeys(each.check for each in refused))
        raise UserError(f"{folder.name}: {sentence(first)}{more}: see backtester data check {folder}; to run all the same: "
                        f"'data.accept=[{names}]'")
    return [f"FALLBACK data.accept={each.check}: {sentence(each)}" for each in faults]


def accepted_checks(accept: Iterable[str]) -> set[str]:
    """The checks that `data.accept` names. Raises UserError for a name that is none."""
    names = {accept} if isinstance(accept, str) else set(accept or ())
    if wrong := sorted(map(str, names - {ALL} - set(CHECKS))):
        raise UserError(f"data.accept: there is no check {wrong[0]} (there are {', '.join([ALL, *CHECKS])})")
    return set(CHECKS) if ALL in names else names


def overlaps(finding: Finding, start: int | None, end: int | None) -> bool:
    """Whether a finding touches [start, end)."""
    return (end is None or finding.start < end) and (start is None or finding.end >= start)


def changed(name: str) -> Finding:
    """A file whose content is not what was checked."""
    stream, _, instrument = Path(name).parts[0], *Path(name).parts[1].partition("=")[1:]
    return Finding("changed", stream, instrument, 0, 0, 0, 0, f"{name} is not the file that was checked: check it again")


def sentence(finding: Finding) -> str:
    """A finding in one sentence, with its place."""
    if finding.check == "changed":
        return finding.says
    return f"{finding.stream}/{finding.instrument}, row {finding.row} ({iso(finding.start)}): {finding.check}: {finding.says}"


def judged(market: Market, folder: Path, intervals: dict[str, int], period: Period, accept: Iterable[str]) -> Market:
    """A market of [start, end) (ns) that may be run: its `source` names the faults that `accept` lets pass. Raises UserError for others."""

    def found() -> list[Finding]:
        return examine(market.instruments, market.tables, intervals) if isinstance(market.tables, dict) else []

    anew = "roles" in market.source  # what is compared with what depends on them
    accepted = demand(folder, market.source["files"], found, period, accept, anew)
    if not isinstance(market.tables, dict) and kept(folder) is None:
        accepted.append("FALLBACK the data set was never checked, and is not read at once: see backtester data check")
    return replace(market, source=market.source | {"accept": sorted(accepted_checks(accept)), "accepted": accepted})
