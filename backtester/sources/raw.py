"""Raw files in: Parquet, or CSV by itself, gzipped or in a zip; a file that is not whole or not safe is refused, never trusted."""

import gzip
import hashlib
import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from backtester.errors import UserError

MOST = 8 << 30           # bytes that a file may unpack to
BOMB = (64 << 20, 100)   # bytes, ratio: what unpacks to more than both is no market data
NULLS = ["", "NaN", "nan", "NULL", "null", "None", "N/A"]
BEGINS = re.compile(r'\s*"?[-+.\d]')  # the first cell of a line of values: a number or a date


@dataclass(frozen=True)
class Raw:
    """The rows of one file."""

    file: str            # its name, for messages
    table: pa.Table      # CSV: every column as text; Parquet: as it is stored
    header: int | None   # CSV: lines above the first row; None for Parquet
    sha256: str          # of the file
    notes: tuple[str, ...]

    def place(self, row: int) -> str:
        """Where a row stands, for messages."""
        return f"{self.file}, row {row}" if self.header is None else f"{self.file}, line {row + 1 + self.header}"


def read_raw(path: Path, headers: tuple[tuple[str, ...], ...] = ()) -> Raw:
    """The rows of a file; `headers` are the columns that it may have where it names none. A `<file>.CHECKSUM` beside it must fit.

    Raises UserError for a file that is damaged, unsafe to unpack, or without rows.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    sha256 = hashlib.sha256(content).hexdigest()
    verify(path, sha256)
    if path.suffix == ".parquet":
        return Raw(str(path), parquet(content, path), None, sha256, ())
    table, header, notes = csv(unpacked(content, path), path, headers)
    if not len(table):
        raise UserError(f"{path}: has no rows")
    return Raw(str(path), table, header, sha256, notes)


def verify(path: Path, sha256: str) -> None:
    """Raises UserError where `<file>.CHECKSUM` (`sha256  name`) stands beside a file and names another hash."""
    beside = path.with_name(f"{path.name}.CHECKSUM")
    if beside.is_file():
        said = beside.read_text(encoding="utf-8", errors="replace").split()
        if not said or said[0].lower() != sha256:
            raise UserError(f"{path}: does not fit {beside.name} beside it: the file is damaged or was replaced; fetch both again")


def parquet(content: bytes, path: Path) -> pa.Table:
    """All columns of a Parquet file."""
    try:
        return pq.ParquetFile(pa.BufferReader(content)).read()
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path}: cannot be read as Parquet: {error}") from None


def unpacked(content: bytes, path: Path) -> bytes:
    """The text inside: of the one CSV of a zip, of a gzipped file, or the file itself."""
    try:
        if content[:4] == b"PK\x03\x04" or path.suffix == ".zip":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                member = only_member(archive, path)
                with archive.open(member) as stream:
                    return limited(stream, len(content), path)
        if content[:2] == b"\x1f\x8b":
            with gzip.open(io.BytesIO(content)) as stream:
                return limited(stream, len(content), path)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        raise UserError(f"{path}: is damaged or no archive that can be read: {error}; fetch it again") from None
    return content


def only_member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    """The one CSV of a zip, by a name that stays in its folder; nothing is ever written where a name says."""
    members = archive.infolist()
    for member in members:
        name = member.filename
        if name.startswith(("/", "\\")) or re.search(r"(^|[/\\])\.\.([/\\]|$)|^[A-Za-z]:|[\0-\x1f]", name):
            raise UserError(f"{path}: its member {name!r} climbs out of the folder: such an archive is not opened")
    tables = [member for member in members if not member.is_dir() and member.filename.lower().endswith(".csv")]
    if len(tables) != 1 or len(members) != 1:
        raise UserError(f"{path}: holds {', '.join(repr(member.filename) for member in members[:5]) or 'nothing'}; right is one CSV alone")
    return tables[0]


def limited(stream, packed: int, path: Path) -> bytes:
    """What a stream unpacks to. Raises UserError before it fills the memory."""
    parts, size, (small, ratio) = [], 0, BOMB
    while part := stream.read(1 << 20):
        parts.append(part)
        size += len(part)
        if size > MOST or (size > small and size > ratio * packed):
            raise UserError(f"{path}: {packed:,} bytes unpack to more than {size:,}: no market data do; it is not read further")
    return b"".join(parts)


def csv(content: bytes, path: Path, headers: tuple[tuple[str, ...], ...]) -> tuple[pa.Table, int, tuple[str, ...]]:
    """The columns of a CSV as text, the lines of its header (0 or 1), and what is odd about it."""
    from pyarrow import csv as arrow

    content = content.removeprefix(b"\xef\xbb\xbf")
    first = content.partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r")
    delimiter = ";" if ";" in first and "," not in first else "," if "," in first else "\t"
    cells = [cell.strip().strip('"').lower().replace(" ", "_") for cell in first.split(delimiter)]
    header = 0 if BEGINS.match(first) else 1
    fitting = [names for names in headers if len(names) == len(cells)]
    if not header and not fitting:
        wanted = f"right are {' or '.join(str(len(names)) for names in headers)}" if headers else "name them under header"
        raise UserError(f"{path}, line 1: {len(cells)} columns without a header: {wanted}")
    columns = cells if header else list(fitting[0])
    if len(set(columns)) < len(columns):
        raise UserError(f"{path}, line 1: a column's name stands twice: {', '.join(columns)}")
    try:
        table = arrow.read_csv(
            pa.BufferReader(content),
            arrow.ReadOptions(use_threads=False, column_names=columns, skip_rows=header),
            arrow.ParseOptions(delimiter=delimiter),
            arrow.ConvertOptions(column_types=dict.fromkeys(columns, pa.string()), null_values=NULLS, strings_can_be_null=True),
        )
    except pa.ArrowException as error:
        raise UserError(f"{path}: cannot be read as CSV: {' '.join(str(error).split())[:200]}") from None
    odd = () if content.endswith(b"\n") else (f"{path}: the last line has no end: the file may be cut off",)
    return table, header, odd
