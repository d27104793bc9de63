"""How the budget is divided between tables: by the error expected, from public quantities only.

A table of expected counts c is known beforehand to about a share r of each (`_Expected`); measured
with a share s of the budget, the noise on it has variance distinct noise^2 / s, and what is left of
the error is

    error(s) = sum over cells of r c / sqrt(1 + r^2 c^2 s / (distinct noise^2))

trips, falling ever more slowly with s. The shares that make the sum of all tables least, each
weighted by its worth, are those at which every table gains as much by a little more (water-filling;
S. Boyd and L. Vandenberghe, "Convex Optimization", section 5.5.3); a table that gains less by its
first bit of budget than the others by their last gets nothing. So the fine tables of a small day
are not measured at all, and those of a large day get most.

Worths are stated as the shares that an ordinary day gets (`Shares`). How counts divide over cells
is a lognormal law with a spread of its own for each table: a few blocks of a map hold most trips.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy.special import ndtri

from tasks.synthesis.trip_field.lattice import COARSEST, Floats, Lattice
from tasks.synthesis.trip_field.tables import sizes_of, table_sizes

STREETS = 2
"""Cells are halved at most this often: to parts of about 70 m, while near still means 5 km."""

_ORDINARY_SIZES = sizes_of(blocks=900, areas=10, distances=41, octaves=11)
_ORDINARY_SIGNAL = 3_500.0
"""Trips over noise multiplier of an ordinary day: 22,000 at 6.3, in ten metropolitan areas."""

_MOST_BLOCKS = 16_384
_RESOLVED = 0.55
"""Cells are halved as long as no more than this is left of the error of the parts' shares."""
_SHARES = np.concatenate([[0.0], np.geomspace(1e-4, 1, 160)])
_RANKS = 200
_STEPS = 60
_LEAST = 0.004
"""Smaller shares than this are not worth a table, and go to the others."""


@dataclass(frozen=True)
class _Expected:
    """What is expected of a table before it is measured.

    Attributes:
        spread: Standard deviation of the logarithm of its counts, for every tenfold of its cells
            on the coarsest lattice: the larger a map, the more of it is empty.
        doubt: Standard deviation of its counts given the other tables, as a share of each count.
    """

    spread: float
    doubt: float


_EXPECTED = {
    "ends": _Expected(0.64, 1.0),
    "block_ends": _Expected(0.83, 1.0),
    "origins": _Expected(0.64, 0.3),
    "block_hours": _Expected(0.61, 0.6),
    "area_hours": _Expected(0.55, 0.4),
    "hours": _Expected(0.6, 0.8),
    "flows": _Expected(0.8, 0.6),
    "area_distances": _Expected(0.6, 0.4),
    "distances": _Expected(0.75, 0.8),
    "bearings": _Expected(0.6, 0.3),
    "hour_octaves": _Expected(0.55, 0.4),
    "quarters": _Expected(0.59, 0.5),
    "sixteenths": _Expected(0.55, 0.7),
}
"""Spreads are those of simulated cities, of 20 and of 500 blocks."""

_FINER = 0.2
"""By how much spreads grow for every tenfold of cells by which a map is cut finer."""


def resolved(lattice: Lattice, ordinary: Mapping[str, float], signal: float) -> Lattice:
    """The lattice with its cells halved as often as a day of that size can tell their parts apart.

    Args:
        lattice: With the largest cells.
        ordinary: Share of each table on an ordinary day.
        signal: Trips over noise multiplier, > 0.
    """
    for halvings in range(STREETS, 0, -1):
        finer = replace(lattice, cells_per_degree=COARSEST << halvings)
        if finer.blocks <= _MOST_BLOCKS:
            shares = divide(ordinary, finer, signal)
            if error_left("sixteenths", finer, shares, signal) <= _RESOLVED:
                return finer
    return lattice


def divide(ordinary: Mapping[str, float], lattice: Lattice, signal: float) -> dict[str, float]:
    """Shares of the squared budget that make the expected error least.

    Args:
        ordinary: Share of each table on an ordinary day; 0 leaves it out.
        lattice: What is told apart.
        signal: Trips over noise multiplier, > 0.

    Returns:
        The tables that are measured and their shares, which add up to 1.

    Examples:
        >>> from tasks.region.model import Box
        >>> town = Lattice((Box(name="town", south=52.3, west=10.6, north=52.5, east=10.9),))
        >>> ordinary = {"block_ends": 0.3, "ends": 0.3, "sixteenths": 0.4}
        >>> for trips in (100, 10_000, 1_000_000):
        ...     shares = divide(ordinary, town, trips / 6.3)
        ...     print({name: round(share, 2) for name, share in shares.items()})
        {'block_ends': 0.96, 'ends': 0.04}
        {'block_ends': 0.13, 'ends': 0.32, 'sixteenths': 0.55}
        {'block_ends': 0.02, 'ends': 0.13, 'sixteenths': 0.85}
    """
    whole = sum(ordinary.values())
    wanted = {name: share / whole for name, share in ordinary.items() if share > 0}
    tables = _tables(lattice, signal)
    gains = {name: tables[name].gains / _worth(name, share) for name, share in wanted.items()}
    while True:
        shares = _filled(gains)
        small = min(shares, key=lambda name: shares[name])
        if shares[small] >= _LEAST or len(shares) == 1:
            return shares
        del gains[small]


def error_left(name: str, lattice: Lattice, shares: Mapping[str, float], signal: float) -> float:
    """Expected error of a table under shares, over that of the same table not measured; 0 to 1."""
    table = _tables(lattice, signal)[name]
    return table.error(shares.get(name, 0.0)) / table.error(0.0)


@dataclass(frozen=True)
class _Table:
    """What is not known of a table.

    Attributes:
        number: How many cells are alike, shape (k,).
        known: Square of what is not known of each, over the noise of a table that has the whole
            budget, shape (k,).
    """

    number: Floats
    known: Floats

    @classmethod
    def of(cls, name: str, size: tuple[int, int], map_cells: int, signal: float) -> "_Table":
        """A table with as many cells as `size` says, and `map_cells` on the coarsest lattice."""
        cells, distinct = size
        expected = _EXPECTED[name]
        spread = expected.spread * np.log10(map_cells) + _FINER * np.log10(cells / map_cells)
        number, share = _profile(cells, float(spread))
        # a trip that touches two cells counts in both
        return cls(number, (expected.doubt * share * signal * distinct) ** 2 / distinct)

    def error(self, share: float) -> float:
        """What is left of the error, in noise multipliers."""
        return float(self.number @ np.sqrt(self.known / (1 + self.known * share)))

    @property
    def gains(self) -> Floats:
        """By how much the error falls with the share, at each of `_SHARES`."""
        return np.asarray((self.known / (1 + self.known * _SHARES[:, None])) ** 1.5 @ self.number)


def _tables(lattice: Lattice, signal: float) -> dict[str, _Table]:
    coarsest = table_sizes(replace(lattice, cells_per_degree=COARSEST))
    return {
        name: _Table.of(name, size, coarsest[name][0], signal)
        for name, size in table_sizes(lattice).items()
    }


@cache
def _profile(cells: int, spread: float) -> tuple[Floats, Floats]:
    """Cells by rank: how many are alike, and the share of all counts in each, largest first."""
    edges = np.unique(np.round(np.geomspace(1, cells + 1, _RANKS)).astype(np.int64)) - 1
    number = np.diff(edges).astype(np.float64)
    middle = (edges[:-1] + edges[1:]) / 2
    share = np.exp(spread * ndtri(1 - middle / cells))
    return number, share / (number * share).sum()


@cache
def _worth(name: str, share: float) -> float:
    """The gain at which an ordinary day stops to give a table more."""
    size = _ORDINARY_SIZES[name]
    table = _Table.of(name, size, size[0], _ORDINARY_SIGNAL)
    return float(np.interp(share, _SHARES, table.gains))


def _filled(gains: Mapping[str, Floats]) -> dict[str, float]:
    """Shares at which every table gains as much by a little more; they add up to 1."""

    def shares_at(level: float) -> dict[str, float]:
        return {
            name: float(np.interp(-level, -table, _SHARES, left=0)) for name, table in falls.items()
        }

    falls = {name: np.log(table) for name, table in gains.items()}
    high = max(float(table[0]) for table in falls.values())
    low = min(float(table[-1]) for table in falls.values())
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if sum(shares_at(middle).values()) > 1:
            low = middle
        else:
            high = middle
    shares = shares_at(high)
    whole = sum(shares.values())
    return {name: share / whole for name, share in shares.items()}
