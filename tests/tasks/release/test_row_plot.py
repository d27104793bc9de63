import xml.etree.ElementTree as ET

import pytest

from tasks.release.row_plot import RowPlot
from tasks.release.svg import dot


def test_values_lie_along_the_axis_and_those_beyond_it_at_its_ends() -> None:
    plot = RowPlot(2.0, 3)
    assert plot.x(1.0) == pytest.approx((plot.x(0.0) + plot.x(2.0)) / 2)
    assert plot.x(5.0) == plot.x(2.0)
    assert plot.x(-1.0) == plot.x(0.0)


def test_rows_lie_below_each_other_between_top_and_floor() -> None:
    plot = RowPlot(1.0, 3)
    places = [plot.top, *map(plot.y, range(3)), plot.floor]
    assert places == sorted(places)
    assert plot.y(1) - plot.y(0) == plot.y(2) - plot.y(1)


def test_the_drawing_holds_its_parts_and_every_tick() -> None:
    plot = RowPlot(1.0, 2)
    parts = [
        *plot.axis(0.1, "share"),
        *plot.mark(0.5, "half"),
        plot.name(0, "first"),
        plot.heading(1, "others"),
        dot(plot.x(0.3), plot.y(0), 3, "0.3", "dot"),
    ]
    svg = ET.fromstring(plot.drawn("Shares", parts))
    words = [text.text for text in svg.iter("text")]
    assert words[:11] == ["0", *(f"0.{i}" for i in range(1, 10)), "1"]
    assert words[11:] == ["share", "half", "first", "others"]
    height = float(str(svg.get("viewBox")).split()[-1])
    assert height > plot.floor
    assert svg.get("aria-label") == "Shares"
