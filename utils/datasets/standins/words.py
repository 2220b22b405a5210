"""What the stand-ins for texts share: word lists written as one text, and a writer that prefers what stands early."""

import functools
import itertools
import random
from collections.abc import Sequence


def words(text: str, between: str | None = None) -> tuple[str, ...]:
    """Return the words of a list written as one text, the most frequent first."""
    return tuple(" ".join(part.split()) for part in text.split(between))


@functools.cache
def _running_weights(size: int) -> list[float]:
    return list(itertools.accumulate(1 / rank for rank in range(1, size + 1)))


class Writer:
    """A seeded generator; every choice prefers what stands early in its list, as 1 / rank."""

    def __init__(self, seed: int):
        """Start from `seed`: equal seeds write equal texts."""
        self.random = random.Random(seed)

    def pick(self, items: Sequence):
        """Return one of the items, the r-th with a weight of 1 / r."""
        return self.random.choices(items, cum_weights=_running_weights(len(items)))[0]

    def chance(self, probability: float) -> bool:
        """Return True with that probability."""
        return self.random.random() < probability
