"""How far the field might be off by noise alone: other fields that the counts allow as well."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tasks.synthesis.stored import Stored
from tasks.synthesis.trip_field.evidence import Evidence
from tasks.synthesis.trip_field.lattice import Floats, Integers, Lattice
from tasks.synthesis.trip_field.settings import Prior

SPREAD = Stored("spread", "a spread", "fit the measurements again")
_RATIOS = ("origin", "attraction", "pair", "bins", "hours")


@dataclass(frozen=True)
class Trips:
    """Where trips lie among the factors of a field, shape (n,) each.

    Attributes:
        origin: Block of the origin.
        origin_cell: Its cell in the block.
        destination: Block of the destination.
        destination_cell: Likewise.
        offset: The near offset between the blocks, or FAR.
        bin: Bin of the displacement.
        hour: 0 to 23.
    """

    origin: Integers
    origin_cell: Integers
    destination: Integers
    destination_cell: Integers
    offset: Integers
    bin: Integers
    hour: Integers


@dataclass(frozen=True)
class Spread:
    """Draws from what the field may be, given the counts it was fitted to, and those counts.

    Every draw is kept as the logarithms of its factors over those of the field, so that the
    expected number of trips of any kind is that of the field times the mean of the exponentials.

    Attributes:
        lattice: The field's.
        evidence: What the field was fitted to, but for the parts of cells.
        prior: What it was fitted under.
        origin: Shape (draws, blocks, CELLS); it holds the scale too.
        attraction: Shape (draws, blocks, CELLS).
        pair: Shape (draws, FAR + 1, blocks).
        bins: Shape (draws, areas, bins).
        hours: Shape (draws, blocks, 24).
    """

    lattice: Lattice
    evidence: Evidence
    prior: Prior
    origin: Floats
    attraction: Floats
    pair: Floats
    bins: Floats
    hours: Floats

    @property
    def draws(self) -> int:
        """Number of draws."""
        return len(self.origin)

    def ratios(self, draw: int, trips: Trips) -> Floats:
        """How much more of each trip a draw expects than the field does, shape (n,)."""
        area = self.lattice.area[trips.origin]
        logarithm = (
            self.origin[draw, trips.origin, trips.origin_cell].astype(np.float64)
            + self.attraction[draw, trips.destination, trips.destination_cell]
            + self.pair[draw, trips.offset, trips.origin]
            + self.bins[draw, area, trips.bin]
            + self.hours[draw, trips.origin, trips.hour]
        )
        return np.asarray(np.exp(logarithm))


def save_spread(directory: Path, spread: Spread) -> list[str]:
    """Write the spread; returns the names of the files."""
    arrays = {name: getattr(spread, name).astype(np.float16) for name in _RATIOS}
    for name, values in spread.evidence.values.items():
        arrays[f"{name}.values"] = values.astype(np.float32)
        arrays[f"{name}.stddev"] = spread.evidence.stddev[name].astype(np.float32)
    document = {
        "lattice": spread.lattice.describe(),
        "tables": list(spread.evidence.values),
        "prior": asdict(spread.prior),
    }
    return SPREAD.save(directory, arrays, document)


def load_spread(directory: Path) -> Spread:
    """Read a stored spread.

    Raises:
        ModelFileError: If it is missing or not readable.
    """
    with SPREAD.reading(directory) as (document, arrays):
        evidence = Evidence(
            *(
                {name: arrays[f"{name}.{part}"].astype(float) for name in document["tables"]}
                for part in ("values", "stddev")
            )
        )
        lattice = Lattice.described(document["lattice"])
        ratios = {name: arrays[name] for name in _RATIOS}
        if ratios["origin"].shape[1] != lattice.blocks:
            raise ValueError("the spread does not fit its lattice")
        return Spread(lattice, evidence, Prior(**document["prior"]), **ratios)
