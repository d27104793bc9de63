"""What a row of the private table of moves must be. Broken rows are set aside, never a day.

Every expectation looks at one row and at public constants of the region, so that the rows which
stay of a day with one move more are the same rows, with or without that move.
"""

import great_expectations.expectations as gxe

from expectations.areas import rows_where, within_areas
from expectations.suite import Suite, row_expectations, table_expectations
from tasks.region import Region
from tasks.schema import RELEASE, TRIPS
from tasks.schema.trips import FLAGS

MOVE_OVER_M = RELEASE.column("distance_m").minimum
"""A move is longer than this, metres."""


def schema_suite() -> Suite:
    """Columns, order and types of the file; a matter of our code, not of the day."""
    return table_expectations(TRIPS)


def row_suite(region: Region) -> Suite:
    """What each row must be by itself, for the feeds and the service area of a region."""
    areas = [box.name for box in region.service_area]
    return [
        *row_expectations(TRIPS),
        gxe.ExpectColumnValuesToBeInSet(
            column="feed", value_set=[feed.id for feed in region.feeds]
        ),
        gxe.ExpectColumnValuesToBeInSet(column="area", value_set=areas),
        gxe.ExpectColumnValuesToBeBetween(
            column="distance_m", min_value=MOVE_OVER_M, strict_min=True
        ),
        *within_areas(region.service_area),
        *_trips_carry_no_flag(),
    ]


def _trips_carry_no_flag() -> Suite:
    is_trip = rows_where("is_trip", True)
    return [
        gxe.ExpectColumnValuesToNotBeNull(column="area", **is_trip),
        *(
            gxe.ExpectColumnValuesToBeInSet(column=flag.name, value_set=[False], **is_trip)
            for flag in FLAGS
        ),
    ]
