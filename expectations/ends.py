"""What a row of the private table of starts and ends must be. Broken rows are set aside.

As with trips, every expectation looks at one row and at public constants of the region.
"""

import great_expectations.expectations as gxe

from expectations.areas import within_areas
from expectations.suite import Suite, row_expectations, table_expectations
from tasks.region import Region
from tasks.schema import ENDS


def schema_suite() -> Suite:
    """Columns, order and types of the file; a matter of our code, not of the day."""
    return table_expectations(ENDS)


def row_suite(region: Region) -> Suite:
    """What each row must be by itself, for the feeds and the service area of a region."""
    areas = [box.name for box in region.service_area]
    feeds = [feed.id for feed in region.feeds if feed.id_regime in ("per_trip", "periodic")]
    return [
        *row_expectations(ENDS),
        gxe.ExpectColumnValuesToBeInSet(column="feed", value_set=feeds),
        gxe.ExpectColumnValuesToBeInSet(column="area", value_set=areas),
        *within_areas(region.service_area, [""]),
    ]
