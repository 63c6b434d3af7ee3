"""Sweeps: the grid that a user writes, and the tiles of lanes that run it."""
