"""What is measured of a day, planned from public quantities and stored before it is fitted."""

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
from tasks.synthesis.stored import Stored
from tasks.synthesis.trip_field.budget import divide, resolved
from tasks.synthesis.trip_field.lattice import Floats, Integers, Lattice
from tasks.synthesis.trip_field.settings import FieldSettings, Prior, Shares
from tasks.synthesis.trip_field.tables import table_sizes, touched

MEASUREMENTS = Stored("measurements", "measurements", "restore them from a backup")


@dataclass(frozen=True)
class Plan:
    """What will be measured. All fields are public.

    Attributes:
        lattice: The public lattice.
        rows: Number of trips; public under `zero_out`, otherwise a noisy count; >= 1.
        settings: The synthesizer's settings.
        mechanism: What is run, and accounted.
    """

    lattice: Lattice
    rows: int
    settings: FieldSettings
    mechanism: WeightedMeasurement


@dataclass(frozen=True)
class Measurements:
    """The noisy counts of a day: differentially private already, and all that is kept of it.

    Attributes:
        plan: What was measured.
        counts: For each table the noisy counts times its multiplier, shape (cells,).
    """

    plan: Plan
    counts: Mapping[str, Integers]

    def estimate(self, name: str) -> tuple[Floats, float]:
        """A table's noisy counts, shape (cells,), and the standard deviation of their noise."""
        return self.plan.mechanism.estimate(name, self.counts)

    @property
    def estimates(self) -> dict[str, tuple[Floats, float]]:
        """The same of all tables."""
        return {table.name: self.estimate(table.name) for table in self.plan.mechanism.tables}


@dataclass(frozen=True)
class FieldMechanism:
    """Tables of counts measured once, all together. All fields are public.

    Which tables, and on which lattice, follows from the number of trips; where that is private,
    it is known only once its noisy count is paid for. So the cost depends on neither.

    Attributes:
        boxes: The service area.
        settings: The synthesizer's settings.
        noise_multiplier: Noise of all tables together over their joint sensitivity, > 0.
        trips_per_unit: Most trips that one unit contributes.
    """

    boxes: tuple[Box, ...]
    settings: FieldSettings
    noise_multiplier: float
    trips_per_unit: int = 1

    @property
    def steps_allowed(self) -> int:
        """One measurement, which is not repeated."""
        return 1

    def event(self) -> dp_accounting.DpEvent:
        """The Gaussian event that dominates every plan of this mechanism."""
        return dp_accounting.GaussianDpEvent(self.noise_multiplier)

    def describe(self) -> dict[str, Any]:
        """All fields as JSON values."""
        return {
            "settings": asdict(self.settings),
            "noise_multiplier": self.noise_multiplier,
            "trips_per_unit": self.trips_per_unit,
        }

    def plan(self, rows: int) -> Plan:
        """What is measured of a day of so many trips.

        Args:
            rows: Number of trips; public under `zero_out`, otherwise a noisy count; >= 1.

        Raises:
            ValueError: If `rows` is not positive.
            AccountingError: If rounding left less noise than is accounted for.
        """
        if rows < 1:
            raise ValueError(f"a measurement needs at least one trip, got rows {rows}")
        signal = rows / (self.noise_multiplier * self.trips_per_unit)
        ordinary = asdict(self.settings.shares)
        lattice = resolved(Lattice(self.boxes), ordinary, signal)
        shares, sizes = divide(ordinary, lattice, signal), table_sizes(lattice)
        tables = {name: (*sizes[name], share) for name, share in shares.items()}
        measurement = WeightedMeasurement.within(self.noise_multiplier, tables, self.trips_per_unit)
        return Plan(lattice, rows, self.settings, measurement)


def make_plan(
    boxes: tuple[Box, ...], rows: int, guarantee: Guarantee, settings: FieldSettings
) -> Plan:
    """Plan a measurement that keeps a guarantee by itself.

    Args:
        boxes: The service area.
        rows: Number of trips; >= 1.
        guarantee: What is promised.
        settings: The synthesizer's settings.

    Raises:
        ValueError: If `rows` is not positive.
        TargetUnreachableError: If no noise keeps the guarantee.
    """
    mechanism = solve_noise(
        guarantee,
        lambda noise: FieldMechanism(boxes, settings, noise, guarantee.trips_per_unit),
    )
    return mechanism.plan(rows)


def measure(trips: pa.Table, plan: Plan) -> Measurements:
    """Measure a day, once, with fresh noise.

    Rows that are no trips by the fixed rule of the grid contribute nothing. Under the unit
    `vehicle_day` the caller has left at most K trips of each vehicle.

    Args:
        trips: Columns area, hour and the four coordinates as in `tasks.schema.TRIPS`.
        plan: What is measured.
    """
    cells = touched(plan.lattice, plan.lattice.encode(trips))
    return Measurements(plan, plan.mechanism.begin().measure(cells))


def save_measurements(directory: Path, measurements: Measurements) -> list[str]:
    """Write the counts and the plan; returns the names of the files."""
    plan = measurements.plan
    document = {
        "lattice": plan.lattice.describe(),
        "rows": plan.rows,
        "settings": asdict(plan.settings),
        "mechanism": plan.mechanism.describe(),
    }
    return MEASUREMENTS.save(directory, measurements.counts, document)


def load_measurements(directory: Path) -> Measurements:
    """Read stored measurements.

    Raises:
        ModelFileError: If they are missing or not readable.
    """
    with MEASUREMENTS.reading(directory) as (document, counts):
        settings = dict(document["settings"])
        settings["shares"] = Shares(**settings["shares"])
        settings["prior"] = Prior(**settings["prior"])
        mechanism = WeightedMeasurement.described(document["mechanism"])
        mechanism.check_shapes(counts)
        lattice = Lattice.described(document["lattice"])
        plan = Plan(lattice, document["rows"], FieldSettings(**settings), mechanism)
        return Measurements(plan, counts)
