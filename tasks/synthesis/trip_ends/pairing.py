"""Modelled trips as a density: which starts and ends could belong together, by public knowledge.

A trip from cell o at hour h to cell d, s hours later, has a probability proportional to

    u(o, h) K_s(d - o) v(d, h + s),    K_s = sum over lengths l of w(l) P(s | l) L_l,

where L_l is where displacements of that length and any direction land (`kernel`), P(s | l) how
likely a ride of that length ends s hours later (`rides`), and u, v and w are the factors with which
trips have the fitted densities of starts and of ends as their margins and the public law of lengths
as their lengths: of all such densities the one closest to the public law. They are found by
iterative proportional fitting (Sinkhorn and Knopp 1967; Deming and Stephan 1940). The day closes on
itself: who starts in its last hour may end in its first.

All that goes in is a fitted field and public constants. No row of any table is looked at, so no
start is matched with an end.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from tasks.synthesis.trip_ends.field import EndsField
from tasks.synthesis.trip_ends.rides import SHIFTS, RidePrior
from tasks.synthesis.trip_ends.tables import KINDS
from tasks.synthesis.trip_field.kernel import SECTORS
from tasks.synthesis.trip_field.lattice import SIDE, Floats, Integers, Lattice
from tasks.synthesis.trip_field.tables import displacements

_ROUNDS, _LAST = 30, 10
"""Rounds of fitting with and then without the lengths: places and hours have the last word."""
_LEAST = 1e-12
"""What a transform leaves below this share of an hour's largest value is rounding."""
_BEND = 30.0
"""A length's weight stays within this factor of the public law's."""

_STEEP = 1e4
"""Largest factor of a place and hour of an end, beside the mean one."""


@dataclass(frozen=True)
class AreaPairing:
    """Pairs within one service area, whose cells are laid out as a map.

    Attributes:
        cells: Block and cell of each place on the map, shape (2, rows, columns).
        trips: Expected number of trips.
        start: Factor u, shape (24, rows, columns).
        end: Factor v, likewise.
        kernel: K, offsets modulo the sides of the map, shape (SHIFTS, height, width).
        starts: Probability of each hour and place of a start, shape (24, rows, columns).
        lengths: Factor w, shape (bins of length,).
        shifts: Probability of ending so many hours later by length, shape (SHIFTS, bins).
    """

    cells: Integers
    trips: float
    start: Floats
    end: Floats
    kernel: Floats
    starts: Floats
    lengths: Floats
    shifts: Floats


@dataclass(frozen=True)
class Pairing:
    """Pairs of a whole region.

    Attributes:
        field: The field whose starts and ends are paired.
        prior: What is publicly known.
        areas: One pairing per service area; None where nothing starts or nothing ends.
    """

    field: EndsField
    prior: RidePrior
    areas: tuple[AreaPairing | None, ...]


def pair(field: EndsField, prior: RidePrior | None = None) -> Pairing:
    """Pair the densities of starts and of ends.

    An area has as many trips as it has starts or ends, whichever are fewer: vehicles brought and
    taken away make the difference.

    Args:
        field: The fitted densities; a function of what was measured under differential privacy.
        prior: What is publicly known; by default `RidePrior()`.
    """
    prior = prior or RidePrior()
    areas = tuple(_pair(field, prior, area) for area in range(len(field.lattice.boxes)))
    return Pairing(field, prior, areas)


def _pair(field: EndsField, prior: RidePrior, area: int) -> AreaPairing | None:
    cells = _map(field.lattice, area)
    starts, ends = (
        field.by_hour(kind)[:, cells[0], cells[1]] * field.number(kind) for kind in KINDS
    )
    trips = min(starts.sum(), ends.sum())
    if trips < 0.5:
        return None
    starts, ends = starts / starts.sum(), ends / ends.sum()
    fitting = _Fitting(field.lattice, prior, area, starts.shape[1:])
    law = prior.lengths(fitting.edges)
    lengths, end = law, np.ones_like(ends)
    for count in range(_ROUNDS + _LAST):
        kernel = fitting.kernel(lengths)
        start = starts / fitting.reached(kernel, end)
        end = _bounded(ends / fitting.received(kernel, start), ends)
        if count < _ROUNDS:
            lengths = fitting.bent(lengths, law, start, end)
    start = starts / fitting.reached(kernel, end)
    return AreaPairing(cells, float(trips), start, end, kernel, starts, lengths, fitting.shifts)


def _bounded(factor: Floats, shares: Floats) -> Floats:
    """A factor around 1, and not above `_STEEP`.

    Noise may leave more ends in an hour than could have started in time; without a bound their
    factor would grow with every round. So they get fewer trips than ends.
    """
    some = shares > 0
    middle = np.exp(np.sum(shares[some] * np.log(factor[some])))
    return np.asarray(np.minimum(factor / middle, _STEEP))


def _map(lattice: Lattice, area: int) -> Integers:
    """Block and cell of each place of an area, shape (2, rows, columns)."""
    rows, columns = (lattice.shapes[area] * SIDE).tolist()
    row, column = np.indices((rows, columns))
    block = lattice.starts[area] + row // SIDE * lattice.shapes[area, 1] + column // SIDE
    return np.stack([block, row % SIDE * SIDE + column % SIDE])


class _Fitting:
    """The sums over all pairs of cells of an area, by Fourier transforms."""

    def __init__(
        self, lattice: Lattice, prior: RidePrior, area: int, shape: tuple[int, int]
    ) -> None:
        bins = displacements(lattice)
        self.edges = bins.edges
        self._shape = shape
        self._size = [fft.next_fast_len(2 * side - 1, real=True) for side in shape]
        height = lattice.cell_height_m
        width = height * float(lattice.aspect[area])
        reach = [side - 1 for side in shape]
        landed = bins.landing(height, width, *reach)
        landed = landed.reshape(bins.distances, SECTORS, *landed.shape[1:]).mean(axis=1)
        self._landed = np.zeros((bins.distances, *self._size), np.float32)
        rows, columns = (
            np.arange(-n, n + 1) % size for n, size in zip(reach, self._size, strict=True)
        )
        self._landed[:, rows[:, None], columns[None]] = landed
        self.shifts = prior.shifts(self.edges)

    def kernel(self, lengths: Floats) -> Floats:
        """K for weights of the lengths, offsets modulo the map's sides."""
        return np.tensordot(self.shifts * lengths, self._landed, 1)

    def reached(self, kernel: Floats, end: Floats) -> Floats:
        """What each place and hour of a start reaches, shape (24, rows, columns)."""
        waves, ends = np.conj(self._waves(kernel)), self._waves(end)
        by_shift = [wave * np.roll(ends, -shift, axis=0) for shift, wave in enumerate(waves)]
        return self._places(np.sum(by_shift, axis=0))

    def received(self, kernel: Floats, start: Floats) -> Floats:
        """What each place and hour of an end receives, likewise."""
        waves, starts = self._waves(kernel), self._waves(start)
        by_shift = [wave * np.roll(starts, shift, axis=0) for shift, wave in enumerate(waves)]
        return self._places(np.sum(by_shift, axis=0))

    def bent(self, lengths: Floats, law: Floats, start: Floats, end: Floats) -> Floats:
        """Weights with which the pairs would have the lengths of the law."""
        starts, ends = self._waves(start), self._waves(end)
        mass = np.zeros(len(law))
        for shift in range(SHIFTS):
            waves = (np.conj(starts) * np.roll(ends, -shift, axis=0)).sum(axis=0)
            offsets = np.maximum(fft.irfft2(waves, self._size), 0)
            mass += self.shifts[shift] * np.tensordot(self._landed, offsets, 2)
        wanted = np.where(mass > _LEAST * mass.max(), law / np.maximum(mass, 1e-300), lengths)
        bent = np.clip(wanted / (wanted @ mass), law / _BEND, law * _BEND)
        return np.asarray(bent / bent.sum())

    def _waves(self, values: Floats) -> NDArray[np.complex128]:
        return np.asarray(fft.rfft2(values, self._size))

    def _places(self, waves: NDArray[np.complex128]) -> Floats:
        rows, columns = self._shape
        values = fft.irfft2(waves, self._size)[:, :rows, :columns]
        return np.asarray(np.maximum(values, _LEAST * values.max(axis=(1, 2), keepdims=True)))
