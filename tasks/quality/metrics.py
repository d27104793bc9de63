"""The table of figures by which synthesizers are compared."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from tasks.quality.classifiers import classifier_auc
from tasks.quality.histograms import (
    DESTINATIONS_1KM,
    HOUR_ORIGINS_5KM,
    ORIGINS_1KM,
    PAIRS_1KM,
    PAIRS_5KM,
    common_part_of_commuters,
    kendall_tau,
    length_divergence,
    total_variation,
)
from tasks.quality.queries import range_error
from tasks.quality.validity import valid_share
from tasks.region import Box


@dataclass(frozen=True)
class Closeness:
    """How close two tables of trips are; private, like everything made of real rows.

    Attributes:
        pairs_5km: Total variation of origin-destination pairs on cells of 0.05 degrees.
        pairs_1km: The same on cells of 0.01 degrees.
        origins_1km: Total variation of origins on cells of 0.01 degrees.
        destinations_1km: The same of destinations.
        hour_origins_5km: Total variation of hour and origin on cells of 0.05 degrees.
        length: Jensen-Shannon divergence of lengths, bits.
        auc: Area under the ROC curve of a two-sample classifier; 0.5 is perfect.
        valid: Share of the synthetic rows that could be trips.
        range_error: Mean relative error of range queries.
        origins_tau: Kendall's tau of the counts of origins on cells of 0.01 degrees.
        flows_1km: Common part of commuters on cells of 0.01 degrees.
    """

    pairs_5km: float
    pairs_1km: float
    origins_1km: float
    destinations_1km: float
    hour_origins_5km: float
    length: float
    auc: float
    valid: float
    range_error: float
    origins_tau: float
    flows_1km: float


def compare(real: pa.Table, synthetic: pa.Table, areas: Sequence[Box], seed: int = 0) -> Closeness:
    """Compare synthetic rows with the real rows that they were made of.

    Total variation of finite samples grows with the number of cells and shrinks with the number
    of rows, so figures compare only between tables of the same sizes: take as many synthetic rows
    as real ones, and see `tasks.quality.splits` for the floors.

    Args:
        real: Trips inside the service area, with the columns of `tasks.schema.RELEASE`.
        synthetic: Trips, likewise.
        areas: The service area.
        seed: Of the classifier's folds and of the range queries.

    Raises:
        QualityError: If a table is empty or lacks a column.
    """
    return Closeness(
        pairs_5km=total_variation(real, synthetic, PAIRS_5KM),
        pairs_1km=total_variation(real, synthetic, PAIRS_1KM),
        origins_1km=total_variation(real, synthetic, ORIGINS_1KM),
        destinations_1km=total_variation(real, synthetic, DESTINATIONS_1KM),
        hour_origins_5km=total_variation(real, synthetic, HOUR_ORIGINS_5KM),
        length=length_divergence(real, synthetic),
        auc=classifier_auc(real, synthetic, seed),
        valid=valid_share(synthetic, real, areas),
        range_error=range_error(real, synthetic, seed),
        origins_tau=kendall_tau(real, synthetic, ORIGINS_1KM),
        flows_1km=common_part_of_commuters(real, synthetic, 0.01),
    )
