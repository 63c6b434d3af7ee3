"""From values to a file: one self-contained page that reaches for nothing and runs nothing."""

import os
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

from backtester.engine.jit import cache_folder
from backtester.report.words import minus, setting
from backtester.results.catalogue import figure, metric, unit

TEMPLATES = Path(__file__).with_name("templates")


def render(template: str, **values: Any) -> str:
    """A page's text. Everything is escaped but the drawings, which escape their own words."""
    from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined

    kept = FileSystemBytecodeCache(str(cache_folder("pages")))  # compiling the templates would take longer than filling them
    pages = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, bytecode_cache=kept)
    pages.trim_blocks = pages.lstrip_blocks = True
    pages.filters |= {"minus": minus, "setting": setting}
    style = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    digest = b64encode(sha256(style.encode()).digest()).decode()
    return pages.get_template(template).render(
        style=style, style_hash=digest, figure=figure, unit=unit, label=lambda key: metric(key).label, **values
    )


def write(path: str | Path, text: str) -> Path:
    """Write a file so that it is there whole or not at all; returns its path."""
    path = Path(path)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    return draft.replace(path)
