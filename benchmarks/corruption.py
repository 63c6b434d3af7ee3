"""Files of exchanges, damaged at random: each must be refused, or repaired with a message; none may pass in silence.

    python -m benchmarks.corruption [COUNT]
"""

import hashlib
import io
import sys
import tempfile
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import yaml

from backtester.errors import UserError
from backtester.market.dataset import load
from backtester.sources.describe import faults_of
from backtester.sources.layouts import LAYOUTS
from backtester.sources.recipe import import_recipe

START = 1_735_689_600_000  # 2025-01-01, ms
MINUTES = 1440
KLINE, FUNDING, METRICS = (LAYOUTS[f"binance.{name}"].headers[0] for name in ("klines", "funding", "metrics"))
RECIPE = {
    "name": "made", "start": "2025-01-01", "end": "2025-01-03", "licence": "made up", "provenance": "a proof",
    "instruments": [{"name": "BTC-SPOT", "role": "spot"}, {"name": "BTC-PERP", "role": "perp"}],
    "sources": [
        {"file": "spot-*", "stream": "spot_bars", "instrument": "BTC-SPOT", "interval": "1m", "layout": "binance.klines"},
        {"file": "perp-*", "stream": "perp_bars", "instrument": "BTC-PERP", "interval": "1m", "layout": "binance.klines"},
        {"file": "funding.csv", "stream": "funding", "instrument": "BTC-PERP", "layout": "binance.funding"},
        {"file": "metrics.csv", "stream": "open_interest", "instrument": "BTC-PERP", "interval": "5m", "layout": "binance.metrics"},
    ],
}


def market() -> dict[str, list[list[str]]]:
    """The rows of sound files by name: two days of spot and perpetual minutes, funding, open interest."""
    rng = np.random.default_rng(1)
    path = 90_000 * np.exp(np.cumsum(rng.normal(0, 6e-4, 2 * MINUTES + 1)))
    out = {}
    for name, premium in (("spot", 4e-4), ("perp", 0.0)):
        price = path * (1 + premium + rng.normal(0, 1e-4, len(path)))
        for day in (0, 1):
            minutes = range(day * MINUTES, (day + 1) * MINUTES)
            out[f"{name}-{day}"] = [kline(price[n], price[n + 1], rng.gamma(2, 10), rng.random(), START + 60_000 * n) for n in minutes]
    out["funding"] = [[str(START + 28_800_000 * n), "8", f"{1e-4 * (1 + n / 10):.8f}"] for n in range(6)]
    out["metrics"] = [
        [stamp(START + 300_000 * n), "BTCUSDT", f"{80_000 + n}", f"{(80_000 + n) * 90_000}", "1.1", "1.2", "1.3", "0.9"] for n in range(576)
    ]
    return out


def kline(first: float, last: float, volume: float, share: float, ms: int) -> list[str]:
    """One row."""
    low, high = min(first, last) * 0.9998, max(first, last) * 1.0002
    quote = volume * (first + last) / 2
    prices = [f"{value:.2f}" for value in (first, high, low, last)]
    return [str(ms), *prices, f"{volume:.5f}", str(ms + 59_999), f"{quote:.4f}", "9", f"{volume * share:.5f}", f"{quote * share:.4f}", "0"]


def stamp(ms: int) -> str:
    """A moment as the archive's metrics have it."""
    return str(np.datetime64(ms, "ms").astype("M8[s]")).replace("T", " ")


def text(name: str, rows: list[list[str]]) -> bytes:
    """A CSV; spot has no header."""
    header = {"funding": FUNDING, "metrics": METRICS, "perp-0": KLINE, "perp-1": KLINE}.get(name)
    return "".join(",".join(row) + "\n" for row in ([list(header)] if header else []) + rows).encode()


def zipped(content: bytes, member: str = "table.csv") -> bytes:
    """A zip with one member."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(member), content)
    return out.getvalue()


def written(folder: Path, tables: dict, change=None) -> None:
    """Write the files: spot as zips with checksums, the rest as text; `change` {file: content} stands instead."""
    folder.mkdir(exist_ok=True)
    for name, rows in tables.items():
        is_zip = name.startswith("spot")
        file = f"{name}.{'zip' if is_zip else 'csv'}"
        content = text(name, rows)
        content = zipped(content) if is_zip else content
        folder.joinpath(file).write_bytes((change or {}).get(file, content))
        if is_zip or f"{file}.CHECKSUM" in (change or {}):
            said = f"{hashlib.sha256(content).hexdigest()}  {file}\n".encode()
            folder.joinpath(f"{file}.CHECKSUM").write_bytes((change or {}).get(f"{file}.CHECKSUM") or said)


# ------------------------------------------------------------------ what may happen to files: (rng, tables) -> {file: content}


def some(rng, tables, *beginnings) -> str:
    """One of the tables."""
    names = [name for name in tables if name.startswith(beginnings or ("spot", "perp", "funding", "metrics"))]
    return names[rng.integers(len(names))]


def damaged(name: str, rows: list[list[str]]) -> dict[str, bytes]:
    """A table's file with other rows, its checksum that of the new content: nothing but the content can tell."""
    content = text(name, rows)
    if not name.startswith("spot"):
        return {f"{name}.csv": content}
    content = zipped(content)
    return {f"{name}.zip": content, f"{name}.zip.CHECKSUM": f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode()}


def truncated(rng, tables):
    name = some(rng, tables)
    content = text(name, tables[name])
    if name.startswith("spot"):
        content = zipped(content)
        cut = content[:rng.integers(1, len(content))]
        fits = f"{hashlib.sha256(cut).hexdigest()}  {name}\n".encode()
        return {f"{name}.zip": cut, f"{name}.zip.CHECKSUM": fits}
    return {f"{name}.csv": content[:rng.integers(1, len(content))]}


def flipped(rng, tables):
    """A zip without a checksum of its own content to go by, or a text that has one."""
    name = some(rng, tables)
    content = text(name, tables[name])
    whole = zipped(content) if name.startswith("spot") else content
    at = rng.integers(len(whole))
    broken = whole[:at] + bytes([whole[at] ^ (1 << rng.integers(8))]) + whole[at + 1:]
    if not name.startswith("spot"):
        return {f"{name}.csv": broken, f"{name}.csv.CHECKSUM": None}
    return {f"{name}.zip": broken, f"{name}.zip.CHECKSUM": f"{hashlib.sha256(broken).hexdigest()}  {name}\n".encode()}


def wrong_type(rng, tables):
    name = some(rng, tables)
    rows, used = copied(tables[name]), USED[name.partition("-")[0]]
    rows[rng.integers(len(rows))][used[rng.integers(len(used))]] = ("abc", "1;5", "0x1F", "--", "1e", "true")[rng.integers(6)]
    return damaged(name, rows)


def swapped(rng, tables):
    name = some(rng, tables)
    first, second = SWAPS[name.partition("-")[0]][rng.integers(len(SWAPS[name.partition("-")[0]]))]
    rows = copied(tables[name])
    for row in rows:
        row[first], row[second] = row[second], row[first]
    return damaged(name, rows)


def emptied(rng, tables):
    name = some(rng, tables)
    rows, used = copied(tables[name]), USED[name.partition("-")[0]]
    for row in rng.choice(len(rows), min(len(rows), rng.integers(1, 40)), replace=False):
        rows[row][used[rng.integers(len(used))]] = ("NaN", "", "null")[rng.integers(3)]
    return damaged(name, rows)


def negative(rng, tables):
    name = some(rng, tables, "spot", "perp")
    rows = copied(tables[name])
    for row in rng.choice(len(rows), rng.integers(1, 9), replace=False):
        at = rng.integers(1, 6)
        rows[row][at] = f"-{rows[row][at]}"
    return damaged(name, rows)


def mixed_times(rng, tables):
    name = some(rng, tables, "spot", "perp", "funding")
    rows = copied(tables[name])
    for row in rows[rng.integers(1, len(rows)):]:
        row[0] += "000"
    return damaged(name, rows)


def mixed_units(rng, tables):
    name = some(rng, tables, "spot", "perp", "metrics")
    rows, factor = copied(tables[name]), (1e-6, 1e-3, 1e3, 1e6)[rng.integers(4)]
    for row in rows[rng.integers(1, len(rows) - 1):]:
        for at in (2,) if name == "metrics" else (1, 2, 3, 4):
            row[at] = repr(float(row[at]) * factor)
    return damaged(name, rows)


def doubled(rng, tables):
    name = some(rng, tables)
    rows = copied(tables[name])
    at = rng.integers(len(rows))
    return damaged(name, rows[:at] + rows[max(0, at - rng.integers(1, 30)):])


def shuffled(rng, tables):
    name = some(rng, tables)
    rows = copied(tables[name])
    first, second = rng.choice(len(rows), 2, replace=False)
    rows[first], rows[second] = rows[second], rows[first]
    return damaged(name, rows)


def removed(rng, tables):
    name = some(rng, tables)
    rows = copied(tables[name])
    first = rng.integers(len(rows))
    return damaged(name, rows[:first] + rows[first + rng.integers(1, 60):])


def climbing(rng, tables):
    name = some(rng, tables, "spot")
    member = ("../t.csv", "../../etc/t.csv", "/tmp/t.csv", "..\\t.csv", "C:\\t.csv", "a/../../t.csv")[rng.integers(6)]
    content = zipped(text(name, tables[name]), member)
    return {f"{name}.zip": content, f"{name}.zip.CHECKSUM": f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode()}


def bomb(rng, tables):
    name = some(rng, tables, "spot")
    content = zipped(bytes([48 + int(rng.integers(10))]) * (70 << 20))
    return {f"{name}.zip": content, f"{name}.zip.CHECKSUM": f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode()}


def bad_checksum(rng, tables):
    name = some(rng, tables, "spot")
    said = (b"", b"0" * 64, b"not a checksum", bytes(rng.integers(0, 256, 70, dtype="u1")))[rng.integers(4)]
    return {f"{name}.zip.CHECKSUM": said or b"\n"}


def copied(rows: list[list[str]]) -> list[list[str]]:
    """Rows that may be changed."""
    return [list(row) for row in rows]


USED = {"spot": (0, 1, 2, 3, 4, 5, 7, 9), "perp": (0, 1, 2, 3, 4, 5, 7, 9), "funding": (0, 1, 2), "metrics": (0, 2)}
BARS = [(a, b) for a in (1, 2, 3, 4, 5, 7, 9) for b in (1, 2, 3, 4, 5, 7, 9) if a < b]
SWAPS = {"spot": BARS, "perp": BARS, "funding": [(1, 2), (0, 1), (0, 2)], "metrics": [(2, 3), (0, 2), (0, 1)]}
KINDS = (
    truncated, flipped, wrong_type, swapped, emptied, negative, mixed_times, mixed_units, doubled, shuffled, removed, climbing, bomb,
    bad_checksum,
)


# ---------------------------------------------------------------------------- the proof


FINE = ("refused", "told", "repaired", "harmless")


def verdict(change: dict, tables: dict, clean: dict, folder: Path) -> tuple[str, str]:
    """What became of a damaged set of files, and what was said.

    refused; told: imported, otherwise than the sound ones, with a message; repaired: to the bytes of the sound ones, with a message;
    harmless: the same bytes without one; SILENT: other bytes without one.
    """
    written(folder / "raw", tables, change)
    (folder / "made.yaml").write_text(yaml.safe_dump(RECIPE))
    try:
        summary = import_recipe(folder / "made.yaml", folder / "raw", folder / "made")
    except UserError as error:
        left = sorted(path.name for path in folder.iterdir())
        return ("refused" if left == ["made.yaml", "raw"] else f"HALF LEFT: {left}"), str(error)
    said = [*faults_of(summary.folder), *(note for each in summary.streams for note in each.notes)]
    said += [each.line() for each in summary.streams if each.dropped or each.repaired or each.missing or each.outside]
    if parts(summary.folder) == clean:
        return ("repaired" if said else "harmless"), "; ".join(said)
    return ("told" if said else "SILENT"), "; ".join(said)


def parts(folder: Path) -> dict[str, bytes]:
    """The content of a data set's files."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.parquet"))}


def at_rest(rng, clean: dict, folder: Path) -> tuple[str, str]:
    """A data set whose own files are damaged after they were written."""
    for path in sorted((folder / "made").rglob("*.parquet")):
        path.write_bytes(clean[str(path.relative_to(folder / "made"))])
    names = sorted(clean)
    path = folder / "made" / names[rng.integers(len(names))]
    content = path.read_bytes()
    at = int(rng.integers(len(content)))
    flip = bytes([content[at] ^ (1 << int(rng.integers(8)))]) + content[at + 1:]
    path.write_bytes(content[:at] + (b"" if rng.random() < 0.5 else flip))
    try:
        load(folder / "made")
    except UserError as error:
        return "refused", str(error)
    return "SILENT", path.name


def prove(count: int, seed: int = 0):
    """`count` damages, in turn of all kinds: (kind, what became of it, what was said)."""
    tables = market()
    with tempfile.TemporaryDirectory() as scratch:
        sound = Path(scratch, "sound")
        sound.mkdir()
        became, said = verdict({}, tables, {}, sound)
        assert (became, said) == ("SILENT", ""), (became, said)  # other bytes than none, and nothing to say about sound files
        clean = parts(sound / "made")
        load(sound / "made")
        for number in range(count):
            rng = np.random.default_rng([seed, number])
            if number % (len(KINDS) + 1) == len(KINDS):
                yield ("at rest", *at_rest(rng, clean, sound))
                continue
            kind = KINDS[number % (len(KINDS) + 1)]
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                yield (kind.__name__, *verdict(kind(rng, tables), tables, clean, Path(folder)))


def bare_flips(count: int, seed: int = 0) -> Counter:
    """What became of texts with a flipped bit and nothing to hold them against: no checksum, no archive."""
    tables, out = market(), Counter()
    with tempfile.TemporaryDirectory() as scratch:
        sound = Path(scratch, "sound")
        sound.mkdir()
        verdict({}, tables, {}, sound)
        clean = parts(sound / "made")
        for number in range(count):
            rng = np.random.default_rng([seed, 7, number])
            change = flipped(rng, {key: rows for key, rows in tables.items() if not key.startswith("spot")})
            change = {file: content for file, content in change.items() if content}
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                out[verdict(change, tables, clean, Path(folder))[0]] += 1
    return out


def main() -> None:
    """Print what became of every kind, and each that passed in silence."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    found, silent = {}, []
    for number, (kind, became, said) in enumerate(prove(count)):
        found.setdefault(kind, Counter())[became] += 1
        if became not in FINE:
            silent.append(f"{number} {kind}: {became}: {said}")
    for kind, counts in found.items():
        print(f"{kind:<14}{', '.join(f'{number} {became}' for became, number in counts.items())}")
    print(f"{sum(counts.total() for counts in found.values())} damages, {len(silent)} in silence or half done", *silent, sep="\n")
    bare = bare_flips(count // 5)
    print(f"bits flipped in a text without a checksum: {', '.join(f'{number} {became}' for became, number in bare.items())}")


if __name__ == "__main__":
    main()
