"""What is measured of a day's starts and ends, planned from what is public, stored before fits."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import dp_accounting
import pyarrow as pa

from tasks.privacy.accountant import solve_noise
from tasks.privacy.weighted_counts import WeightedMeasurement
from tasks.region.guarantee import Guarantee
from tasks.region.model import Box
from tasks.synthesis.trip_ends.settings import EndsPrior, EndsSettings, EndsShares
from tasks.synthesis.trip_ends.tables import AS_OF_TRIPS, KINDS, table_sizes, touched
from tasks.synthesis.trip_field.budget import divide, resolved
from tasks.synthesis.trip_field.lattice import Floats, Integers, Lattice
from tasks.synthesis.trip_field.measurements import MEASUREMENTS
from tasks.synthesis.trip_field.settings import Prior


@dataclass(frozen=True)
class EndsPlan:
    """What will be measured. All fields are public.

    Attributes:
        lattice: The public lattice.
        starts: Number of starts; public under `zero_out`, otherwise a noisy count; >= 1.
        ends: Number of ends, likewise.
        settings: The synthesizer's settings.
        mechanism: What is run on both kinds of tables together.
    """

    lattice: Lattice
    starts: int
    ends: int
    settings: EndsSettings
    mechanism: WeightedMeasurement

    def describe(self) -> dict[str, Any]:
        """All fields as JSON values."""
        return {
            "lattice": self.lattice.describe(),
            "starts": self.starts,
            "ends": self.ends,
            "settings": asdict(self.settings),
            "mechanism": self.mechanism.describe(),
        }


@dataclass(frozen=True)
class EndsMeasurements:
    """The noisy counts of a day: differentially private already, and all that is kept of it.

    Attributes:
        plan: What was measured.
        counts: For each table the noisy counts times its multiplier, shape (cells,).
    """

    plan: EndsPlan
    counts: Mapping[str, Integers]

    def estimate(self, name: str) -> tuple[Floats, float]:
        """A table's noisy counts, shape (cells,), and the standard deviation of their noise."""
        return self.plan.mechanism.estimate(name, self.counts)


@dataclass(frozen=True)
class EndsMechanism:
    """Tables of starts and tables of ends, measured once, all together. All fields are public.

    Which tables, and on which lattice, follows from the numbers of starts and ends; where they are
    private, they are known only once their noisy counts are paid for. So the cost depends on
    neither: it is that of one whole ride, its start and its end.

    Attributes:
        boxes: The service area.
        settings: The synthesizer's settings.
        noise_multiplier: Noise of all tables together over what one ride can change in them, > 0.
    """

    boxes: tuple[Box, ...]
    settings: EndsSettings
    noise_multiplier: float

    @property
    def steps_allowed(self) -> int:
        """One measurement, which is not repeated."""
        return 1

    def event(self) -> dp_accounting.DpEvent:
        """The Gaussian event that dominates every plan of this mechanism."""
        return dp_accounting.GaussianDpEvent(self.noise_multiplier)

    def describe(self) -> dict[str, Any]:
        """All fields but the service area as JSON values."""
        return {"settings": asdict(self.settings), "noise_multiplier": self.noise_multiplier}

    def plan(self, starts: int, ends: int) -> EndsPlan:
        """What is measured of a day of so many starts and ends.

        Args:
            starts: Number of starts; public under `zero_out`, otherwise a noisy count; >= 1.
            ends: Number of ends, likewise.

        Raises:
            ValueError: If there are no starts or no ends.
            AccountingError: If rounding left less noise than is accounted for.
        """
        if min(starts, ends) < 1:
            raise ValueError(f"a measurement needs starts and ends, got {starts} and {ends}")
        # half of the squared budget goes to either kind
        signal = (starts + ends) / 2 / (self.noise_multiplier * math.sqrt(len(KINDS)))
        ordinary = {
            AS_OF_TRIPS[name]: share for name, share in asdict(self.settings.shares).items()
        }
        lattice = resolved(Lattice(self.boxes), ordinary, signal)
        shares, sizes = divide(ordinary, lattice, signal), table_sizes(lattice)
        tables = {
            f"{kind}_{name}": (sizes[f"{kind}_{name}"], 1, shares[as_of_trips] / len(KINDS))
            for kind in KINDS
            for name, as_of_trips in AS_OF_TRIPS.items()
            if as_of_trips in shares
        }
        measurement = WeightedMeasurement.within(self.noise_multiplier, tables)
        return EndsPlan(lattice, starts, ends, self.settings, measurement)


def make_plan(
    boxes: tuple[Box, ...], starts: int, ends: int, guarantee: Guarantee, settings: EndsSettings
) -> EndsPlan:
    """Plan a measurement that keeps a guarantee by itself, for one ride.

    Args:
        boxes: The service area.
        starts: Number of starts, >= 1.
        ends: Number of ends, >= 1.
        guarantee: What is promised.
        settings: The synthesizer's settings.

    Raises:
        ValueError: If there are no starts or no ends.
        TargetUnreachableError: If no noise keeps the guarantee.
    """
    mechanism = solve_noise(guarantee, lambda noise: EndsMechanism(boxes, settings, noise))
    return mechanism.plan(starts, ends)


def measure(table: pa.Table, plan: EndsPlan) -> EndsMeasurements:
    """Measure a day, once, with fresh noise.

    Args:
        table: Columns as in `tasks.schema.ENDS`; a ride has at most one start and one end in it.
        plan: What is measured.
    """
    return EndsMeasurements(plan, plan.mechanism.begin().measure(touched(plan.lattice, table)))


def save_measurements(directory: Path, measurements: EndsMeasurements) -> list[str]:
    """Write the counts and the plan; returns the names of the files."""
    return MEASUREMENTS.save(directory, measurements.counts, measurements.plan.describe())


def load_measurements(directory: Path) -> EndsMeasurements:
    """Read stored measurements.

    Raises:
        ModelFileError: If they are missing or not readable.
    """
    with MEASUREMENTS.reading(directory) as (document, counts):
        mechanism = WeightedMeasurement.described(document["mechanism"])
        mechanism.check_shapes(counts)
        plan = EndsPlan(
            Lattice.described(document["lattice"]),
            document["starts"],
            document["ends"],
            _settings(document["settings"]),
            mechanism,
        )
        return EndsMeasurements(plan, counts)


def _settings(document: Mapping[str, Any]) -> EndsSettings:
    prior = dict(document["prior"])
    return EndsSettings(
        EndsShares(**document["shares"]),
        EndsPrior(**{**prior, "places": Prior(**prior["places"])}),
        document["steps"],
        document["learning_rate"],
    )
