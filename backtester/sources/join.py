"""Joining: what was imported becomes part of a data set that is there, so that its roles may be of several exchanges."""

from pathlib import Path

import yaml

from backtester.errors import UserError
from backtester.market.dataset import read_header
from backtester.market.quality.stored import read_stored


def join(folder: Path, header: dict, tables: dict) -> tuple[dict, dict]:
    """The header and the tables {(stream, instrument name): records} of the data set `folder` with others added.

    An instrument that is there already gets its new streams in the place of the old ones. Raises UserError for a stream
    whose interval is another one.
    """
    stored = read_stored(folder, read_header(folder)[0])
    own = yaml.safe_load((folder / "dataset.yaml").read_text(encoding="utf-8"))
    for stream, keys in header["streams"].items():
        there = own["streams"].get(stream, keys)
        if there.get("interval") != keys.get("interval"):
            raise UserError(f"{folder.name}: its {stream} are of {there.get('interval')}, those to be added of {keys.get('interval')}: "
                            "fetch the same interval, or name another data set")
    names = [each["name"] for each in header["instruments"]]
    kept = [each for each in own["instruments"] if each["name"] not in names]
    merged = own | {
        "instruments": kept + header["instruments"],
        "streams": own["streams"] | header["streams"],
        "provenance": list(own.get("provenance") or []) + header["provenance"],
    }
    old = {(stream, stored.header.instruments[index].name): table for (stream, index), table in stored.tables.items()}
    return merged, old | tables
