"""The figures of other synthesizers, from `peers.yaml`, which says how they were measured."""

from dataclasses import dataclass
from pathlib import Path

import yaml

FILE = Path(__file__).with_suffix(".yaml")


@dataclass(frozen=True)
class Peer:
    """One line of the comparison.

    Attributes:
        name: Of the synthesizer.
        epsilon: Privacy loss it was trained for.
        packages: Whose a figure is, where that is known.
        figures: Name of a field of `tasks.quality.metrics.Closeness` to its value.
    """

    name: str
    epsilon: float
    packages: dict[str, str]
    figures: dict[str, float]


def peers_at(epsilon: float) -> list[Peer]:
    """The lines for an epsilon, the best first; none where nothing was measured."""
    rows = yaml.safe_load(FILE.read_text(encoding="utf-8"))["peers"]
    return [peer for peer in (Peer(**row) for row in rows) if peer.epsilon == epsilon]
