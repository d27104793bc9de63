import math
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from tasks.release.bars import distance_bars, hour_bars
from tasks.release.figures import Bars

HOURS = Bars(np.arange(25.0), np.arange(24) * 10)


def columns(svg: ET.Element) -> list[ET.Element]:
    return [rect for rect in svg.findall("rect") if rect.get("class") == "column"]


def test_bars_say_their_numbers() -> None:
    svg = ET.fromstring(hour_bars(HOURS))
    assert svg.get("role") == "img"
    assert "most from 23:00 to 24:00 (230), fewest from 0:00 to 1:00 (0)" in svg.get(
        "aria-label", ""
    )
    bars = columns(svg)
    heights = [float(bar.get("height", -1)) for bar in bars]
    expected = [count * heights[-1] / 230 for count in HOURS.counts]
    assert heights == pytest.approx(expected, abs=0.02)
    assert bars[5].findtext("title") == "5:00 to 6:00: 50 trips"


def test_the_last_distance_bar_is_open() -> None:
    bars = Bars(np.array([0, 500, 1000, math.inf]), np.array([5, 7, 2]))
    svg = ET.fromstring(distance_bars(bars, 612.0))
    titles = [rect.findtext("title") for rect in svg.findall("rect")]
    assert titles == ["0 to 0.5 km: 5 trips", "0.5 to 1 km: 7 trips", "over 1 km: 2 trips"]
    assert "median 612 m" in [text.text for text in svg.findall("text")]


def test_an_interval_is_drawn_where_it_lies_and_said() -> None:
    low, high = np.maximum(HOURS.counts - 20.0, 0), HOURS.counts + 40.0
    low[3] = high[3] = np.nan
    svg = ET.fromstring(hour_bars(Bars(HOURS.edges, HOURS.counts, low, high)))
    whiskers = [path.get("d", "") for path in svg.findall("path") if path.get("class") == "whisker"]
    assert len(whiskers) == 23
    last = columns(svg)[-1]
    top, height = float(last.get("y", 0)), float(last.get("height", 0))
    found = re.fullmatch(r"M[\d.]+ ([\d.]+)H[\d.]+M[\d.]+ [\d.]+V([\d.]+)M.*", whiskers[-1])
    assert found is not None
    per_trip = height / 230
    assert float(found[1]) == pytest.approx(top - 40 * per_trip, abs=0.05)
    assert float(found[2]) == pytest.approx(top + 20 * per_trip, abs=0.05)
    assert float(found[1]) > 0  # within the drawing
    assert columns(svg)[5].findtext("title") == (
        "5:00 to 6:00: 50 trips; the true number is between 30 and 90 in 90 of 100 cases"
    )
    assert columns(svg)[3].findtext("title") == "3:00 to 4:00: 30 trips"


def test_uneven_classes_have_round_distances_below_them() -> None:
    edges = 100 * 2 ** (np.arange(21) / 4)
    svg = ET.fromstring(distance_bars(Bars(edges, np.arange(20)), 800.0))
    ticks = {text.text: float(text.get("x", 0)) for text in svg.findall("text")}
    assert {"0.1", "0.2", "0.5", "1", "2"} <= set(ticks)
    # an octave is four bars wherever it begins
    four = 4 * (float(columns(svg)[1].get("x", 0)) - float(columns(svg)[0].get("x", 0)))
    assert ticks["0.2"] - ticks["0.1"] == pytest.approx(four, abs=0.1)


def test_empty_figures_can_be_drawn() -> None:
    ET.fromstring(hour_bars(Bars(np.arange(25.0), np.zeros(24, dtype=int))))
    edges = np.append(np.arange(31) * 100.0, math.inf)
    ET.fromstring(distance_bars(Bars(edges, np.zeros(31, dtype=int)), float("nan")))
