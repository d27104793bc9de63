"""What was counted of places, pairs, hours and distances themselves, with its noise."""

from dataclasses import dataclass

import numpy as np

from tasks.synthesis.grid import HOURS
from tasks.synthesis.trip_field.evidence import Evidence
from tasks.synthesis.trip_field.lattice import CELLS, FAR, Floats, Integers, Lattice
from tasks.synthesis.trip_field.tables import displacements
from tasks.synthesis.trip_field.targets import COARSE, FINE, Kind, pair


@dataclass(frozen=True)
class Counted:
    """Estimates of true numbers with independent errors, shape (targets,) each.

    Attributes:
        values: They may be negative.
        variance: Of their errors; infinite where nothing was counted.
    """

    values: Floats
    variance: Floats

    @classmethod
    def nothing(cls, targets: int) -> "Counted":
        """Where nothing was counted."""
        return cls(np.zeros(targets), np.full(targets, np.inf))

    def at(self, targets: Integers) -> "Counted":
        """Those of some targets."""
        return Counted(self.values[targets], self.variance[targets])


class Counts:
    """The counts of a day by the targets that they tell of.

    Args:
        public: The lattice of the service area with the largest cells.
        lattice: That of the counts.
        evidence: The counts.
    """

    def __init__(self, public: Lattice, lattice: Lattice, evidence: Evidence) -> None:
        self._public, self._lattice, self._evidence = public, lattice, evidence
        self._cell = lattice.cells_on(public)
        self._block = self._cell[:, 0] // CELLS
        self._rings = displacements(public).distances

    def of(self, kind: Kind, targets: Integers) -> Counted:
        """What was counted of targets of a kind; several tables are weighted by their certainty."""
        if kind == Kind("flows", COARSE):
            return self._flows(targets)
        public, found = self._public, []
        match kind:
            case Kind("origins", grid) if grid == FINE:
                found = [self._summed("origins", self._cell, public.blocks * CELLS)]
            case Kind("origins"):
                found = [
                    self._summed(name, np.repeat(self._block, each), public.blocks)
                    for name, each in (
                        ("origins", CELLS),
                        ("block_hours", HOURS),
                        ("flows", FAR + 1),
                    )
                ]
            case Kind("hours"):
                found = [
                    self._summed(name, np.arange(HOURS), HOURS)
                    for name in ("hours", "area_hours", "block_hours")
                ]
            case Kind("distances"):
                found = [
                    self._summed(name, np.arange(self._rings), self._rings)
                    for name in ("distances", "area_distances")
                ]
        return _pooled([each.at(targets) for each in found if each is not None], len(targets))

    def ends(self, grid: float, places: Integers) -> Counted:
        """Trips that start or end in places; once where they do both in one cell, or block."""
        public = self._public
        if grid == FINE:
            found = self._summed("ends", self._cell, public.blocks * CELLS)
        else:
            found = self._summed("block_ends", self._block, public.blocks)
        return Counted.nothing(len(places)) if found is None else found.at(places)

    def _flows(self, pairs: Integers) -> Counted:
        """Of pairs of larger places; far pairs were not counted by themselves."""
        if "flows" not in self._evidence.values:
            return Counted.nothing(len(pairs))
        lattice, public = self._lattice, self._public
        none = np.full((1, lattice.blocks), lattice.blocks)
        to = np.concatenate([lattice.neighbours, none]).T
        there = to < lattice.blocks
        origin = np.broadcast_to(np.arange(lattice.blocks)[:, None], to.shape)[there]
        key = self._block[origin] * public.blocks + self._block[to[there]]
        place = np.minimum(np.searchsorted(pairs, key), len(pairs) - 1)
        hit = pairs[place] == key
        values, stddev = (
            table["flows"].reshape(to.shape)[there][hit]
            for table in (self._evidence.values, self._evidence.stddev)
        )
        members = np.bincount(place[hit], minlength=len(pairs))
        blocks = np.bincount(self._block, minlength=public.blocks)
        first, second = pair(public, COARSE, pairs)
        whole = members == blocks[first] * blocks[second]
        variance = np.bincount(place[hit], stddev**2, len(pairs))
        return Counted(
            np.asarray(np.bincount(place[hit], values, len(pairs)), float),
            np.where(whole, variance, np.inf),
        )

    def _summed(self, name: str, into: Integers, number: int) -> Counted | None:
        """Sums of a table's counts, repeated over the table; none if it was not measured."""
        if name not in self._evidence.values:
            return None
        values, stddev = self._evidence.values[name], self._evidence.stddev[name]
        target = np.resize(into.ravel(), len(values))
        sums, variance = (np.bincount(target, each, number) for each in (values, stddev**2))
        # a place at the edge of the area may have no cell of its own
        return Counted(np.asarray(sums, float), np.where(variance > 0, variance, np.inf))


def _pooled(found: list[Counted], targets: int) -> Counted:
    """Several estimates of the same numbers as one."""
    if not found:
        return Counted.nothing(targets)
    certainty = np.sum([1 / each.variance for each in found], axis=0)
    values = np.sum([each.values / each.variance for each in found], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Counted(np.nan_to_num(values / certainty), 1 / certainty)
