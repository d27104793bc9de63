"""An expectation of our own: places lie in the polygons of a service area."""

from typing import Any, ClassVar, Literal

import pandas as pd
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import ColumnPairMapExpectation
from great_expectations.expectations.metrics.map_metric_provider import (
    ColumnPairMapMetricProvider,
    column_pair_condition_partial,
)

from tasks.region.polygons import Polygon, hold


class PlacesWithinPolygons(ColumnPairMapMetricProvider):
    """Whether each place lies in one of the polygons, edges included."""

    condition_metric_name = "column_pair_values.within_polygons"
    condition_value_keys = ("polygons",)

    @column_pair_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
    def _pandas(
        cls,  # noqa: N805
        column_A: pd.Series,  # noqa: N803
        column_B: pd.Series,  # noqa: N803
        polygons: tuple[Polygon, ...],
        **_: Any,
    ) -> pd.Series:
        inside = hold(polygons, column_A.to_numpy(float), column_B.to_numpy(float))
        return pd.Series(inside, column_A.index)


class ExpectPlacesToBeWithinPolygons(ColumnPairMapExpectation):
    """Latitudes in `column_A` and longitudes in `column_B` lie in one of the polygons."""

    polygons: tuple[Polygon, ...]
    ignore_row_if: Literal["both_values_are_missing"] = "both_values_are_missing"

    map_metric: ClassVar[str | None] = PlacesWithinPolygons.condition_metric_name
    success_keys: ClassVar[tuple[str, ...]] = ("mostly", "polygons", "ignore_row_if")
