"""Replays: generated rows that are rows the model was shown, character by character."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Replays:
    """How often some rows come up among generated ones.

    A row has one text, so rows are equal where their lines are.

    Attributes:
        generated: Number of generated lines that are one of them.
        distinct: Number of them that come up.
    """

    generated: int
    distinct: int


def replays(lines: Sequence[str], shown: Iterable[str]) -> Replays:
    """Count the generated lines that are among those shown.

    Examples:
        >>> replays(["1,a", "2,b", "1,a", "x"], ["1,a", "3,c", "1,a"])
        Replays(generated=2, distinct=1)
    """
    counted = Counter(lines)
    found = [counted[line] for line in {*shown} if line in counted]
    return Replays(sum(found), len(found))
