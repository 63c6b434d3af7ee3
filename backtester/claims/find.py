"""A user's own claims: a Python file with a CLAIM, or CLAIMS."""

from pathlib import Path

from backtester.claims.claim import Claim
from backtester.engine.find import load_file
from backtester.errors import UserError


def claims_of(path: str | Path) -> tuple[Claim, ...]:
    """The claims of a file. Raises UserError where it has none."""
    file = Path(path).expanduser()
    if file.suffix != ".py" or not file.is_file():
        raise UserError(f"{path}: no Python file: write one with CLAIM = Claim(...), as docs/measured.md shows")
    module = load_file(file.resolve())
    found = getattr(module, "CLAIMS", None) or getattr(module, "CLAIM", None)
    claims = tuple(found) if isinstance(found, tuple | list) else (found,)
    if not claims or not all(isinstance(each, Claim) for each in claims):
        raise UserError(f"{path}: has no CLAIM = Claim(...) and no CLAIMS = (Claim(...), ...)")
    return claims
