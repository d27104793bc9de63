"""The quality report of trips: what every table's report has, and what is asked of trips."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.quality.classifiers import Transfer, classifier_auc, transfer
from tasks.quality.columns import Floats, Kinds, kinds_of
from tasks.quality.histograms import (
    DESTINATIONS_1KM,
    HOUR_ORIGINS_5KM,
    ORIGINS_1KM,
    PAIRS_1KM,
    PAIRS_5KM,
    Cells,
    common_part_of_commuters,
    kendall_tau,
    largest_flows,
    length_divergence,
    total_variation,
)
from tasks.quality.queries import range_error
from tasks.quality.references import Beside, Compared
from tasks.quality.report import Figure, Report, report_of
from tasks.quality.validity import valid_share
from tasks.region import Box
from tasks.release.figures import cell_counts, map_cell_m
from tasks.schema import RELEASE

ENDS = ("origin", "destination")

_CELLS = {
    "pairs_5km": ("Origin-destination pairs, 5 km", PAIRS_5KM),
    "pairs_1km": ("Origin-destination pairs, 1 km", PAIRS_1KM),
    "origins_5km": ("Origins, 5 km", Cells(0.05, "origins")),
    "origins_1km": ("Origins, 1 km", ORIGINS_1KM),
    "destinations_5km": ("Destinations, 5 km", Cells(0.05, "destinations")),
    "destinations_1km": ("Destinations, 1 km", DESTINATIONS_1KM),
    "hour_origins_5km": ("Hour by origin, 5 km", HOUR_ORIGINS_5KM),
}
"""Figures that are total variation distances: title, and what is counted."""


@dataclass(frozen=True)
class Difference:
    """Where synthetic trips start, or end, more often than real ones.

    Attributes:
        box: The service area.
        end: `origin` or `destination`.
        cell_m: Side of a cell in metres.
        deviations: Of each cell the share of the synthetic trips less that of the training trips,
            in its standard deviations if both were drawn from one law; 0 where neither has one.
            Shape (rows, columns), from the south-west corner.
    """

    box: Box
    end: str
    cell_m: int
    deviations: Floats


@dataclass(frozen=True)
class TripReport:
    """The report of a table of trips; private.

    Attributes:
        report: The figures.
        maps: For each service area that has trips, both ends; busiest area first.
    """

    report: Report
    maps: tuple[Difference, ...]


def assess_trips(
    training: pa.Table,
    synthetic: pa.Table,
    held_out: pa.Table,
    areas: Sequence[Box],
    seed: int = 0,
) -> TripReport:
    """Report on synthetic trips.

    Args:
        training: Real trips, with the columns of `tasks.schema.RELEASE`.
        synthetic: Trips of a model, likewise.
        held_out: Real trips that are none of the training trips.
        areas: The service area.
        seed: Of the draws.

    Raises:
        QualityError: If a table is empty or too small, lacks a column or has nulls.
    """
    used = (table.select(list(RELEASE.names)) for table in (training, synthetic, held_out))
    compared = Compared.of(next(used), next(used), next(used), seed)
    figures = (*_distances(compared, seed), *_similarities(compared, areas, seed))
    return TripReport(
        report_of(compared, _kinds(compared.training), figures), tuple(_maps(compared, areas))
    )


def _kinds(trips: pa.Table) -> Kinds:
    """All columns, but not the area where there is only one."""
    kinds = kinds_of(trips.schema)
    if len(pc.unique(trips["area"])) < 2:
        del kinds["area"]
    return kinds


def _distances(compared: Compared, seed: int) -> list[Figure]:
    """Figures that are 0 between equal tables."""
    of_cells = [
        Figure(name, title, 0.0, compared.each(partial(total_variation, cells=cells)))
        for name, (title, cells) in _CELLS.items()
    ]
    ask = partial(range_error, seed=seed)
    return [
        *of_cells,
        Figure("length", "Trip length, divergence", 0.0, compared.each(length_divergence)),
        Figure("range_error", "Range queries, relative error", 0.0, compared.each(ask)),
    ]


def _similarities(compared: Compared, areas: Sequence[Box], seed: int) -> list[Figure]:
    """Figures that are 1 between equal tables, and the classifier's, which is 0.5."""

    def valid(real: pa.Table, other: pa.Table) -> float:
        return valid_share(other, real, areas)

    apart = partial(classifier_auc, seed=seed)
    flows = partial(common_part_of_commuters, degrees=0.01)
    largest = partial(largest_flows, degrees=0.01)
    taus = {
        "origins_tau": ("Ranks of origins, 1 km (tau)", ORIGINS_1KM),
        "destinations_tau": ("Ranks of destinations, 1 km (tau)", DESTINATIONS_1KM),
    }
    return [
        Figure("auc", "Told apart by trees (AUC)", 0.5, compared.each(apart, copies=False)),
        Figure("flows_1km", "Flows in common, 1 km", 1.0, compared.each(flows)),
        Figure("largest_flows", "Top 100 flows in common, 1 km", 1.0, compared.each(largest)),
        *(
            Figure(name, title, 1.0, compared.each(partial(kendall_tau, cells=cells)))
            for name, (title, cells) in taus.items()
        ),
        *_learned(compared, seed),
        Figure("valid", "Valid rows", 1.0, compared.each(valid)),
    ]


def _learned(compared: Compared, seed: int) -> tuple[Figure, Figure]:
    """What is learned from rows, tested on the held-out ones; beside what real rows teach."""
    teachers = (compared.synthetic, compared.training, compared.bootstrap)
    found: list[Transfer] = [transfer(each, compared.held_out, seed) for each in teachers]
    return (
        Figure(
            "hour_band",
            "Time of day told by a forest",
            1.0,
            Beside(*(each.hour_band for each in found)),
        ),
        Figure(
            "destination",
            "Destination told by a forest",
            1.0,
            Beside(*(each.destination for each in found)),
        ),
    )


def _maps(compared: Compared, areas: Sequence[Box]) -> list[Difference]:
    real, synthetic = compared.training, compared.synthetic
    cell_m = map_cell_m(areas, min(len(real), len(synthetic)))
    trips = {box.name: len(real.filter(pc.field("area") == box.name)) for box in areas}
    served = sorted((box for box in areas if trips[box.name]), key=lambda box: -trips[box.name])
    return [
        Difference(box, end, cell_m, _deviations(real, synthetic, box, end, cell_m))
        for box in served
        for end in ENDS
    ]


def _deviations(real: pa.Table, synthetic: pa.Table, box: Box, end: str, cell_m: int) -> Floats:
    """The two-sample score of each cell, for counts as Poisson counts."""
    (a, n), (b, m) = ((_counts(each, box, end, cell_m), len(each)) for each in (real, synthetic))
    spread = np.sqrt(a / n**2 + b / m**2)
    return np.asarray(np.divide(b / m - a / n, spread, out=np.zeros(a.shape), where=spread > 0))


def _counts(trips: pa.Table, box: Box, end: str, cell_m: int) -> Floats:
    inside = trips.filter(pc.field("area") == box.name)
    latitude, longitude = (inside[f"{end}_{name}"].to_numpy() for name in ("latitude", "longitude"))
    return cell_counts(latitude, longitude, box, cell_m).astype(np.float64)
