"""Constructed markets: each plants one idea, so that what detects it can be scored against the truth beside it."""
