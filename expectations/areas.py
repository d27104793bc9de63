"""Expectations on the rows of one service area."""

from collections.abc import Sequence
from typing import Any

import great_expectations.expectations as gxe
from great_expectations.expectations.row_conditions import Column

from expectations.polygons import ExpectPlacesToBeWithinPolygons
from expectations.suite import Suite
from tasks.region import Box


def rows_where(column: str, value: object) -> dict[str, Any]:
    """The arguments that confine an expectation to the rows with one value in a column."""
    return {"row_condition": Column(column) == value}


def within_areas(
    boxes: tuple[Box, ...], ends: Sequence[str] = ("origin_", "destination_")
) -> Suite:
    """The places of a row lie in the area that its column `area` names, edges included.

    Args:
        boxes: The service area.
        ends: What stands before `latitude` and `longitude` in the names of the places' columns.
    """
    bounds = [
        gxe.ExpectColumnValuesToBeBetween(
            column=f"{end}{axis}", min_value=low, max_value=high, **rows_where("area", box.name)
        )
        for box in boxes
        for end in ends
        for axis, low, high in (
            ("latitude", box.south, box.north),
            ("longitude", box.west, box.east),
        )
    ]
    polygons = [
        ExpectPlacesToBeWithinPolygons(
            column_A=f"{end}latitude",
            column_B=f"{end}longitude",
            polygons=box.polygons,
            **rows_where("area", box.name),
        )
        for box in boxes
        if box.polygons
        for end in ends
    ]
    return [*bounds, *polygons]
