"""A seeded source of choices."""

import numpy as np


class Draw:
    """Choices of one seed, in Python's own numbers."""

    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def pick(self, *choices):
        return choices[int(self.rng.integers(len(choices)))]

    def among(self, values):
        return values[int(self.rng.integers(len(values)))]

    def between(self, low: float, high: float) -> float:
        return float(low + (high - low) * self.rng.random())

    def whole(self, low: int, high: int) -> int:
        """Both ends included."""
        return int(self.rng.integers(low, high + 1))

    def spread(self, low: float, high: float) -> float:
        """Even in the logarithm."""
        return float(np.exp(self.between(np.log(low), np.log(high))))
