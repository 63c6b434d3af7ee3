"""Importing by recipe: a YAML file in conf/import says which files feed which stream; nothing is invented on the way."""

from pathlib import Path

import yaml

from backtester.checkout import ROOT
from backtester.errors import UserError
from backtester.market.times import SECOND, instant
from backtester.market.write import write_dataset
from backtester.sources.join import join
from backtester.sources.rows import import_source
from backtester.sources.source import read_source
from backtester.sources.summary import Imported, Summary

KEYS = ("name", "start", "end", "instruments", "licence", "provenance", "sources")


def import_recipe(recipe_path, source_dir, target_dir=None) -> Summary:
    """Write the data set of a recipe (a file, or a name in conf/import) from the files in `source_dir`.

    It becomes `target_dir`, or data/<its name>. Rows outside the recipe's period stay behind. A row without a number that
    its record needs (a bar's price, a rate) is dropped and counted; a bar with prices and no volume stays. Missing rows are
    counted and never filled.
    The same files give the same bytes. Raises UserError, and then writes nothing.
    """
    path = find_recipe(recipe_path)
    recipe = read_recipe(path)
    return build(recipe, str(path), Path(source_dir), Path(target_dir or ROOT / "data" / recipe["name"]))


def build(recipe: dict, path: str, source_dir: Path, folder: Path, joined: bool = False) -> Summary:
    """Write the data set of a recipe that was read from `path`; `joined`: into the one that stands there, beside what it has."""
    start, end = instant(recipe["start"], f"{path}: start"), instant(recipe["end"], f"{path}: end")
    tables: dict = {}
    done, streams = [], {}
    for number, item in enumerate(recipe["sources"]):
        source = read_source(item, f"{path}: sources[{number}]")
        key = (source.stream, source.instrument)
        if key in tables:
            raise UserError(f"{path}: sources[{number}]: {'/'.join(key)} is fed twice: list all its files under one entry")
        tables[key], imported = import_source(source, source_dir, start, end, tables)
        done.append(imported)
        streams[source.stream] = {key: item[key] for key in ("interval",) if key in item} | {"lag_ms": source.lag * 1000 // SECOND}
    header = {name: recipe[name] for name in ("name", "instruments")} | {"streams": streams, "licence": recipe["licence"]}
    header |= {"provenance": provenance(recipe["provenance"], done)}
    write_dataset(folder, *(join(folder, header, tables) if joined else (header, tables)))
    return Summary(recipe["name"], folder, tuple(done))


def find_recipe(recipe_path) -> Path:
    """The file of a recipe that is named or pointed at."""
    named = ROOT / "conf" / "import" / f"{recipe_path}.yaml"
    path = named if named.is_file() else Path(recipe_path)
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in named.parent.glob("*.yaml")))
        raise UserError(f"no recipe {recipe_path}: name a YAML file or one of {known}")
    return path


def read_recipe(path: Path) -> dict:
    """A recipe's keys, all of them there."""
    try:
        recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise UserError(f"{path}: is no YAML: {error}") from None
    if not isinstance(recipe, dict) or set(recipe) != set(KEYS) or not isinstance(recipe["sources"], list):
        raise UserError(f"{path}: a recipe has the keys {', '.join(KEYS)} (sources is a list)")
    return recipe


def provenance(note: str, done: list[Imported]) -> list[dict]:
    """Where the data came from, what is not in them and what was repaired, for dataset.yaml."""
    shown = ("stream", "instrument", "files", "rows_in", "outside", "dropped", "rows_out", "missing", "zero_volume", "repaired", "notes")
    told = [{key: getattr(each, key) for key in shown} for each in done]
    return [{"note": note.strip()}, *({key: value for key, value in each.items() if value not in ({}, [])} for each in told)]
