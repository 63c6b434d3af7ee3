"""From values to a file: one self-contained page that reaches for nothing and runs its own script alone."""

import json
import os
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from backtester.engine.jit import cache_folder
from backtester.report.words import minus, setting
from backtester.results.catalogue import figure, metric, unit
from backtester.results.explained import explained
from backtester.results.write import finite

TEMPLATES = Path(__file__).with_name("templates")
SCRIPTS = Path(__file__).with_name("page_script")
CHARTS = ("decode", "series", "words", "paths", "view", "panel", "overlay", "hover", "tables", "trades", "start")  # in this order


def render(template: str, script: str = "", **values: Any) -> str:
    """A page's text. Everything is escaped but the drawings, which escape their own words, the script and its blocks."""
    from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined

    kept = FileSystemBytecodeCache(str(cache_folder("pages")))  # compiling the templates would take longer than filling them
    pages = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, bytecode_cache=kept)
    pages.trim_blocks = pages.lstrip_blocks = True
    pages.filters |= {"minus": minus, "setting": setting}
    files = [TEMPLATES / "page.css", *([SCRIPTS / "uplot.min.css"] if script else [])]
    style = "".join(file.read_text(encoding="utf-8") for file in files)
    return pages.get_template(template).render(
        style=style, style_hash=digest(style), script=script, script_hash=digest(script), figure=figure, unit=unit,
        label=lambda key: metric(key).label, explained=explained, **values,
    )


def digest(text: str) -> str:
    """What the page's policy names its own style or script by."""
    return b64encode(sha256(text.encode()).digest()).decode()


def chart_script(names: Sequence[str] = CHARTS) -> str:
    """The script of a page with charts: uPlot under its licence, then our files."""
    licence = (SCRIPTS / "uplot.LICENSE").read_text(encoding="utf-8")
    library = (SCRIPTS / "uplot.min.js").read_text(encoding="utf-8").partition("\n")[2]
    own = [(SCRIPTS / f"{name}.js").read_text(encoding="utf-8") for name in names]
    return "\n".join([f"/* uPlot 1.6.32\n{licence}*/", library, *own])


def in_script(document: Any) -> str:
    """A document as JSON that can stand inside a script element, whatever its words are."""
    try:
        text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    except ValueError:  # JSON has no NaN: null stands for it
        text = json.dumps(finite(document), separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def write(path: str | Path, text: str) -> Path:
    """Write a file so that it is there whole or not at all; returns its path."""
    path = Path(path)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    return draft.replace(path)
