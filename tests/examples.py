"""What the documents show: their strategies and snippets as text."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def blocks(file):
    """The Python blocks of a document, from top to bottom."""
    return re.findall(r"```python\n(.*?)```", (ROOT / file).read_text(encoding="utf-8"), re.S)


def dip_buyer(folder):
    """The file of the strategy that trades by brackets."""
    file = folder / "dip_buyer.py"
    file.write_text(blocks("docs/strategies.md")[0])
    return file
