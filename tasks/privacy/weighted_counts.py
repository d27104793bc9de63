"""Tables of counts measured together, each with noise of its own size: a budget in shares.

A table's counts are multiplied by a whole number before noise is added, so that the noise on them
is an integer of a size at which the discrete Gaussian is as good as the continuous one
(`tasks.privacy.domination`), however little noise the counts themselves get.

The tables together are one Gaussian measurement: dividing each table by its noise makes one
vector with noise 1 everywhere, and the L2 norm of what one unit changes in it is all that counts.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import dp_accounting
import numpy as np
from numpy.typing import NDArray

from tasks.privacy.discrete_noise import DiscreteNoise, round_up
from tasks.privacy.domination import SMOOTHING_VARIANCE, dominating_gaussian
from tasks.privacy.errors import AccountingError, StepsSpentError

Counts = NDArray[np.int64]
Estimates = NDArray[np.float64]

_ROUGH = 16
"""Noise on the multiplied counts is at least this, so that rounding costs under one per cent."""


@dataclass(frozen=True)
class WeightedTable:
    """One table of counts. All fields are public.

    Attributes:
        name: What is counted.
        cells: Number of cells, >= 1.
        distinct: A trip adds 1 to at most this many different cells, >= 1.
        multiplier: Counts are multiplied by this before noise is added, >= 1.
        sigma: Parameter of the noise on the multiplied counts.
    """

    name: str
    cells: int
    distinct: int
    multiplier: int
    sigma: Fraction

    @property
    def stddev(self) -> float:
        """Standard deviation of the noise on the counts."""
        return float(self.sigma) / self.multiplier

    def l2_sensitivity_squared(self, trips_per_unit: int) -> int:
        """Square of the L2 norm of what one unit changes in the multiplied counts.

        The worst case: all trips of the unit touch the same cells.
        """
        return self.distinct * (trips_per_unit * self.multiplier) ** 2


@dataclass(frozen=True)
class WeightedMeasurement:
    """Tables of counts, all measured at once. All fields are public.

    Attributes:
        tables: The tables; names are different.
        trips_per_unit: Most trips that one unit contributes.

    Examples:
        Half of the squared budget each for 24 hours and for the cells of both ends, where a trip
        within a cell counts once:

        >>> measurement = WeightedMeasurement.within(
        ...     6.3, {"hours": (24, 1, 0.5), "ends": (64, 2, 0.5)}
        ... )
        >>> [round(table.stddev, 2) for table in measurement.tables]
        [8.94, 12.62]
        >>> round(measurement.event().noise_multiplier, 3)
        6.3
    """

    tables: tuple[WeightedTable, ...]
    trips_per_unit: int = 1

    def __post_init__(self) -> None:
        names = [table.name for table in self.tables]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"a measurement needs tables of different names, got {names}")
        if self.trips_per_unit < 1:
            raise ValueError(f"trips_per_unit {self.trips_per_unit} is not positive")
        self.event()

    @classmethod
    def within(
        cls,
        noise_multiplier: float,
        tables: Mapping[str, tuple[int, int, float]],
        trips_per_unit: int = 1,
    ) -> "WeightedMeasurement":
        """The measurement whose event has at least a noise multiplier.

        Args:
            noise_multiplier: Of all tables together, > 0.
            tables: For each name the number of cells, how many different cells a trip touches at
                most, and the share of the squared budget, > 0; they add up to at most 1.
            trips_per_unit: Most trips that one unit contributes.

        Raises:
            AccountingError: If rounding left less noise than that.
        """
        if sum(share for *_, share in tables.values()) > 1 + 1e-9:
            raise ValueError(f"shares of a budget add up to more than 1: {dict(tables)}")
        made = []
        for name, (cells, distinct, share) in tables.items():
            stddev = noise_multiplier * trips_per_unit * math.sqrt(distinct / share)
            multiplier = 1
            while multiplier * stddev < _ROUGH:
                multiplier *= 2
            variance = (stddev * multiplier) ** 2 * (1 + 1e-9) + SMOOTHING_VARIANCE
            sigma = round_up(Fraction(math.sqrt(variance)))
            made.append(WeightedTable(name, cells, distinct, multiplier, sigma))
        measurement = cls(tuple(made), trips_per_unit)
        if measurement.event().noise_multiplier < noise_multiplier:
            raise AccountingError(f"{measurement} has less noise than {noise_multiplier}")
        return measurement

    def event(self) -> dp_accounting.DpEvent:
        """The continuous Gaussian event that dominates all tables together."""
        squares = [
            dominating_gaussian(
                table.sigma, table.l2_sensitivity_squared(self.trips_per_unit)
            ).noise_multiplier
            ** -2
            for table in self.tables
        ]
        return dp_accounting.GaussianDpEvent(sum(squares) ** -0.5)

    def describe(self) -> dict[str, Any]:
        """All fields as JSON values."""
        return {
            "trips_per_unit": self.trips_per_unit,
            "tables": [
                {
                    "name": table.name,
                    "cells": table.cells,
                    "distinct": table.distinct,
                    "multiplier": table.multiplier,
                    "sigma": str(table.sigma),
                }
                for table in self.tables
            ],
        }

    @classmethod
    def described(cls, document: Mapping[str, Any]) -> "WeightedMeasurement":
        """The measurement that `describe` described."""
        tables = tuple(
            WeightedTable(**{**table, "sigma": Fraction(table["sigma"])})
            for table in document["tables"]
        )
        return cls(tables, document["trips_per_unit"])

    def estimate(self, name: str, counts: Mapping[str, Counts]) -> tuple[Estimates, float]:
        """A table's noisy counts, shape (cells,), and the standard deviation of their noise.

        Args:
            name: Of the table.
            counts: What was measured, by table.

        Raises:
            KeyError: If there is no such table.
        """
        table = {table.name: table for table in self.tables}[name]
        return counts[name] / table.multiplier, table.stddev

    def check_shapes(self, counts: Mapping[str, Counts]) -> None:
        """Refuse counts that are not those of these tables.

        Raises:
            ValueError: If names or shapes differ.
        """
        if [(table.name, (table.cells,)) for table in self.tables] != [
            (name, values.shape) for name, values in counts.items()
        ]:
            raise ValueError("the counts do not fit their description")

    def begin(self) -> "WeightedMeasurementRun":
        """Start an attempt."""
        return WeightedMeasurementRun(self)


class WeightedMeasurementRun:
    """One attempt; it measures once."""

    def __init__(self, mechanism: WeightedMeasurement) -> None:
        self.mechanism = mechanism
        self._noise = DiscreteNoise()
        self._is_spent = False

    def measure(self, touched: Mapping[str, Counts]) -> dict[str, Counts]:
        """Count, multiply and add noise.

        Args:
            touched: For each table the cells that each trip adds 1 to, shape (trips, distinct);
                -1 stands for none.

        Returns:
            For each table the noisy multiplied counts, shape (cells,); they may be negative.

        Raises:
            StepsSpentError: If this attempt has measured already.
            ValueError: If an array does not fit its table.
        """
        if self._is_spent:
            raise StepsSpentError("the accounted tables were measured already; none is left")
        self._is_spent = True
        return {
            table.name: multiplied(table, touched[table.name])
            + self._noise.gaussian(table.sigma, table.cells)
            for table in self.mechanism.tables
        }


def multiplied(table: WeightedTable, touched: Counts) -> Counts:
    """The true counts times their multiplier; private."""
    if touched.ndim != 2 or touched.shape[1] != table.distinct:
        raise ValueError(f"{table.name} needs cells of shape (trips, {table.distinct})")
    if _repeats(touched.T):
        raise ValueError(f"a trip touches a cell of {table.name} twice")
    cells = touched[touched >= 0]
    if cells.size and cells.max() >= table.cells:
        raise ValueError(f"{table.name} has no cell {cells.max()}")
    return np.bincount(cells, minlength=table.cells) * table.multiplier


def _repeats(columns: Iterable[Counts]) -> bool:
    seen: list[Counts] = []
    for column in columns:
        if any(((column == other) & (column >= 0)).any() for other in seen):
            return True
        seen.append(column)
    return False
