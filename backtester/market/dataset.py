"""Loading: a data set's name or folder becomes a Market."""

import hashlib
from pathlib import Path

import yaml

from backtester.checkout import ROOT
from backtester.errors import UserError
from backtester.market.brackets import load_brackets
from backtester.market.check import check_tables
from backtester.market.merge import allocate, assemble, build
from backtester.market.quality.verdict import is_checked, judged
from backtester.market.read import fill, find_parts, read_parts, traded_period
from backtester.market.roles import bind_roles
from backtester.market.schema import Header, Instrument, Market, parse_header
from backtester.market.stored import stored_market
from backtester.market.times import instant

__all__ = ["Instrument", "Market", "load", "locate"]


def load(name_or_path, start: str | None = None, end: str | None = None, stored: bool = False, accept=None, roles=None) -> Market:
    """The market of a data set, from `start` until before `end` (ISO text, UTC; None: all that the data set's config allows).

    `stored`: it stays on disk and is read while it is run, for what is larger than memory; else it is read now.

    A name is looked up in conf/data; anything else is a folder. The sample is generated where it is absent or of an older generator,
    a constructed market where it is absent.
    `roles` {role: instrument's name} binds others than dataset.yaml does (None: as the config says).
    `accept`: checks of market.quality whose faults it may have (None: those that the config names).
    Raises UserError, which names the file, the key or the row, and what would be right; for a fault that is not accepted, too.
    """
    folder, config = locate(name_or_path)
    accept = config.get("accept") or () if accept is None else accept
    if folder.parent == ROOT / "data":
        invent(folder)
    header, sha256 = read_header(folder)
    roles = config.get("roles") if roles is None else roles
    header = bind_roles(header, roles, folder.name)
    start, end = start or config.get("start"), end or config.get("end")
    path = folder.relative_to(ROOT) if type(folder) is type(ROOT) and folder.is_relative_to(ROOT) else folder
    opened = {"dataset.yaml": sha256}
    source = {"path": str(path), "start": start, "end": end, "files": opened}
    if roles:
        source["roles"] = dict(roles)
    if stored or header.made:
        found = stored_market(folder, header, *bounds(start, end), source)
        market = found if stored else build(header.name, header.instruments, dict(found.tables), header.tags, found.source)
        return judged(market, folder, header.intervals, bounds(start, end), accept)
    parts = find_parts(folder, header)
    chunks, hashes = read_parts(parts, *bounds(start, end))
    counts = {key: sum(map(len, files)) for key, files in chunks.items()}
    if not any(counts.values()):
        months = sorted(part.month for part in parts) or ["no month"]
        raise UserError(f"{header.name}: no rows between {start or 'its start'} and {end or 'its end'}: it has {months[0]} to {months[-1]}")
    files = opened | {str(path.relative_to(folder)): value for path, value in hashes.items()}
    brackets, told = load_brackets(header, folder, ROOT, *traded_period(chunks, header.intervals))
    arrays, tables = allocate(counts | {key: len(table) for key, table in brackets.items()})
    fill(tables, chunks, header.intervals)
    for key in brackets.keys() & tables.keys():
        tables[key][:] = brackets[key]
    if roles or not is_checked(folder, files):
        check_tables(header.name, header.instruments, tables)
    market = assemble(header.name, header.instruments, arrays, tables, header.tags, source | {"files": files, "brackets": told})
    return judged(market, folder, header.intervals, bounds(start, end), accept)


def invent(folder: Path) -> None:
    """Generate the market that belongs into a folder of data/, where one does."""
    if folder.name == "sample":
        from backtester.market.synthetic import ensure_sample

        ensure_sample(folder)
    elif not folder.exists():
        from backtester.market.constructed.kinds import KINDS, ensure_kind

        if folder.name in KINDS:
            ensure_kind(folder.name, folder)


def locate(name_or_path) -> tuple[Path, dict]:
    """The folder of a data set and its config (empty where it has none)."""
    if "://" in str(name_or_path):
        return remote(str(name_or_path)), {}
    given = Path(str(name_or_path)).expanduser()
    file = ROOT / "conf" / "data" / f"{given.name}.yaml"
    if given.name == str(name_or_path) and file.is_file():
        config = yaml.safe_load(file.read_text(encoding="utf-8"))
        if not isinstance(config, dict) or not isinstance(config.get("path"), str):
            raise UserError(f"{file}: path is missing: name the data set's folder, from the checkout's root")
        return (remote(config["path"]) if "://" in config["path"] else ROOT / config["path"]), config
    return (given.absolute() if given.exists() else ROOT / given), {}


def remote(address: str):
    """A folder of any file system that fsspec knows, such as s3://bucket/btc_5m. Raises UserError where its library is absent."""
    try:
        from upath import UPath

        folder = UPath(address)
        assert folder.fs is not None  # its library is imported when it is first asked for
    except (ImportError, ValueError) as error:
        right = "needs universal-pathlib and the file system's own library: pip install 'backtester[remote]' for s3"
        raise UserError(f"data.path: {address}: {right} ({error})") from None
    return folder


def read_header(folder: Path) -> tuple[Header, str]:
    """dataset.yaml, checked, and its sha256. Raises UserError where there is none."""
    file = folder / "dataset.yaml"
    if not file.is_file():
        known = sorted(path.stem for path in (ROOT / "conf" / "data").glob("*.yaml"))
        told = f", as conf/data/{folder.name}.yaml says," if folder.name in known else ","
        raise UserError(f"no data set at {folder} (no dataset.yaml): build it first{told} or name one of {', '.join(known)}")
    content = file.read_bytes()
    try:
        raw = yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise UserError(f"{file}: is no YAML: {error}") from None
    return parse_header(raw, str(file)), hashlib.sha256(content).hexdigest()


def bounds(start: str | None, end: str | None) -> tuple[int | None, int | None]:
    """The period in ns. Raises UserError where it is empty."""
    low = None if start is None else instant(start, "data.start")
    high = None if end is None else instant(end, "data.end")
    if low is not None and high is not None and low >= high:
        raise UserError(f"data.end {end} must be later than data.start {start}")
    return low, high
