import math
import xml.etree.ElementTree as ET

import pytest

from tasks.quality.plots import difference_map, field_plot, figures_plot, trends_plot
from tasks.quality.references import Beside
from tasks.quality.report import Figure
from tasks.quality.trends import Trend
from tests.tasks.quality.test_page import maps, report


def circles(figure: Figure) -> dict[str, float]:
    """Where the dots of a figure are, by class."""
    drawn = ET.fromstring(figures_plot([figure]))
    return {str(dot.get("class")): float(str(dot.get("cx"))) for dot in drawn.iter("circle")}


def test_dots_lie_where_their_values_are() -> None:
    found = circles(Figure("a", "A", 1.0, Beside(0.25, 0.75, 0.5)))
    assert found["bootstrap"] - found["dot"] == pytest.approx(
        found["held_out"] - found["bootstrap"]
    )
    assert found["dot"] < found["held_out"]
    beyond = circles(Figure("a", "A", 0.0, Beside(7.0, 1.0, None)))
    assert beyond == {"dot": beyond["held_out"], "held_out": beyond["held_out"]}
    assert "dot" not in circles(Figure("a", "A", 1.0, Beside(math.nan, 0.5, 0.5)))


@pytest.mark.parametrize("place", range(6))
def test_bars_stand_for_shares(place: int) -> None:
    field = report().fields[place]
    drawn = ET.fromstring(field_plot(field))
    side = "width" if field.kind == "category" else "height"
    for kind, shares in (("real", field.training), ("made", field.synthetic)):
        bars = [float(str(bar.get(side))) for bar in drawn.iter("rect") if bar.get("class") == kind]
        assert len(bars) == len(shares)
        largest = max(*field.training, *field.synthetic)
        full = max(
            float(str(bar.get(side))) for bar in drawn.iter("rect") if bar.get("class") != "x"
        )
        assert bars == pytest.approx([share / largest * full for share in shares], abs=0.02)


def test_pairs_are_coloured_by_their_difference_and_the_others_are_empty() -> None:
    trends = [
        Trend(("a", "b"), Beside(0.994, 0.89, 1.0), (0.5, 0.51)),  # of correlations: 0.012, 0.22
        Trend(("a", "c"), Beside(0.4, 0.999, 1.0), None),
        Trend(("b", "c"), Beside(math.nan, math.nan, math.nan), (math.nan, 0.2)),
    ]
    drawn = ET.fromstring(trends_plot(trends))
    cells = {str(cell.findtext("title")): str(cell.get("class")) for cell in drawn.iter("rect")}
    assert {words.rpartition(":")[0]: kind for words, kind in cells.items()} == {
        "a and b, synthetic rows": "c1",
        "a and b, held out rows": "c5",
        "a and c, synthetic rows": "c6",
        "a and c, held out rows": "c0",
    }
    assert "largest: a and c, 0.600" in str(drawn.get("aria-label"))


def test_a_map_has_a_class_for_each_deviation_and_none_where_nobody_goes() -> None:
    svg = ET.fromstring(difference_map(maps()[0], large=True))
    inner = svg.find("svg")
    assert inner is not None
    assert [path.get("class") for path in inner.findall("path")] == ["c0", "c1", "c2", "c3", "c4"]
    assert sum(str(path.get("d")).count("M") for path in inner.findall("path")) == 5
    assert "2 of 5 cells are over four standard deviations off" in str(svg.get("aria-label"))
