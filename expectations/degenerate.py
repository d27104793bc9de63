"""What rows of a collapsed model look like: few values, and most rows the same.

Severities: the rows of a day can be drawn again, but a day that is stopped is late, so what may be
right of some region only warns. All trips may arrive in one hour where a feed was seen for one, and
ends that were moved to docks lie on few places. Without docks no city puts half of its rows on the
same values to the digit, or nine in ten within 100 m: that stops a release.
"""

from collections.abc import Sequence

import great_expectations.expectations as gxe
import numpy as np
import pandas as pd
from great_expectations.expectations.metadata_types import FailureSeverity

from expectations.figures import Figure
from expectations.suite import Suite
from tasks.region import Region
from tasks.schema import Table

CRITICAL, WARNING = FailureSeverity.CRITICAL, FailureSeverity.WARNING

MIN_ROWS = 100
"""Of fewer rows a figure is chance, and is not looked at."""
MIN_DISTINCT_SHARE = 0.9
"""Share of rows that should occur once; a model that has collapsed repeats itself."""
MIN_DISTINCT_SHARE_AT_ALL = 0.5
"""Share of rows that must."""
MAX_HOUR_SHARE = 0.5
MAX_AREA_SHARE = 0.99
CELL_DEGREES = 0.001
"""A cell of a place, about 100 m; the smallest service area has 100 of them."""
MAX_CELL_SHARE = 0.3
MAX_CELL_SHARE_AT_ALL = 0.9
MAX_DISTANCE_SHARE = 0.2
"""Of the most common distance, to the metre."""
MAX_DISTANCE_SHARE_AT_ALL = 0.9
MAX_EMPTY_HOURS = 12
ROWS_FOR_EMPTY_HOURS = 500
"""With fewer rows an hour may be empty by chance."""


def suite(table: Table, region: Region) -> Suite:
    """The expectations on the rows of a table of a release.

    Where ends are moved to docks, rows that occur more than once are as they should be.
    """
    numbers = [name for name in table.names if name.endswith(("tude", "_m"))]
    return [
        *([] if region.snap else _distinct(table)),
        *(
            gxe.ExpectColumnUniqueValueCountToBeBetween(column=name, min_value=2, severity=WARNING)
            for name in ("hour", *numbers)
        ),
    ]


def figures(frame: pd.DataFrame, region: Region) -> list[Figure]:
    """How much of a table its most common values take, and which hours and areas have no row.

    Args:
        frame: Rows of a table of a release.
        region: The region; where it names docks, no share of places or distances stops a release.

    Returns:
        The figures; none of a table of fewer than `MIN_ROWS` rows.
    """
    if len(frame) < MIN_ROWS:
        return []
    found = [Figure("share of the most common hour", _most_common(frame[["hour"]]), MAX_HOUR_SHARE)]
    if len(frame) >= ROWS_FOR_EMPTY_HOURS:
        empty = 24 - frame["hour"].nunique()
        found.append(Figure("number of hours without a row", empty, MAX_EMPTY_HOURS))
    if len(region.service_area) > 1:
        empty = len({box.name for box in region.service_area} - set(frame["area"]))
        share = _most_common(frame[["area"]])
        found.append(Figure("share of the most common area", share, MAX_AREA_SHARE))
        found.append(Figure("number of areas without a row", empty, 0))
    for end in _ends(frame):
        name = f"share of the most common {end.strip('_') or 'place'} (cell of 0.001 degrees)"
        axes = frame[[f"{end}latitude", f"{end}longitude"]]
        share = _most_common(np.floor(axes / CELL_DEGREES))
        found += _bounded(name, share, MAX_CELL_SHARE, MAX_CELL_SHARE_AT_ALL, region)
    if "distance_m" in frame:
        share = _most_common(frame[["distance_m"]].round())
        name = "share of the most common distance (to the metre)"
        found += _bounded(name, share, MAX_DISTANCE_SHARE, MAX_DISTANCE_SHARE_AT_ALL, region)
    return found


def _distinct(table: Table) -> Suite:
    return [
        gxe.ExpectCompoundColumnsToBeUnique(
            column_list=list(table.names), mostly=mostly, severity=severity
        )
        for mostly, severity in (
            (MIN_DISTINCT_SHARE, WARNING),
            (MIN_DISTINCT_SHARE_AT_ALL, CRITICAL),
        )
    ]


def _bounded(
    name: str, share: float, at_most: float, at_all: float, region: Region
) -> list[Figure]:
    """A share over the first bound warns; over the second it stops, where there are no docks."""
    warns = Figure(name, share, at_most)
    return [warns] if region.snap else [warns, Figure(name, share, at_all, severity=CRITICAL)]


def _most_common(columns: pd.DataFrame) -> float:
    """The share of rows that have the most common values."""
    counts = columns.value_counts()
    return float(counts.iloc[0] / len(columns)) if len(counts) else 0.0


def _ends(frame: pd.DataFrame) -> Sequence[str]:
    """What stands before `latitude` and `longitude` in the names of a table's columns."""
    return [name.removesuffix("latitude") for name in frame if str(name).endswith("latitude")]
