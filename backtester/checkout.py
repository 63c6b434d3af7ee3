"""Where the checkout stands, whose folders `conf`, `data` and `strategies` belong to the user."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
