import xml.etree.ElementTree as ET

import numpy as np
import pytest

from tasks.mobility.updates import Updates
from tasks.tables import PublicTable
from tests.notebooks.figures import (
    Figure,
    Table,
    intervals_in_polls,
    longer_intervals,
    trips_of,
    updates_per_vehicle,
)

SVG = "{http://www.w3.org/2000/svg}"
NOTHING = Updates(np.zeros(0, np.int64), np.zeros(1, np.int64))


def updates(of_vehicle: list[int], intervals: dict[int, int]) -> Updates:
    counts = np.zeros(max(intervals, default=0) + 1, np.int64)
    for seconds, times in intervals.items():
        counts[seconds] = times
    return Updates(np.array(of_vehicle), counts)


def columns(drawing: str) -> list[str]:
    rects = [rect for rect in ET.fromstring(drawing).iter("rect") if rect.get("class") == "column"]
    return [str(rect.findtext("title")) for rect in rects]


def test_vehicles_are_counted_by_their_updates() -> None:
    found = columns(updates_per_vehicle(updates([1440, 1440, 1399, 130], {60: 9})))
    assert found[0] == "100 to 199 updates: 1 vehicles"
    assert found[12:] == [
        "1,300 to 1,399 updates: 1 vehicles",
        "1,400 to 1,499 updates: 2 vehicles",
    ]
    assert sum(int(words.split(": ")[1].split()[0]) for words in found) == 4


def test_intervals_of_one_poll_are_left_out_and_the_longest_share_a_bar() -> None:
    day = updates([5], {59: 700, 61: 300, 121: 5_000, 180: 4_000, 7_200: 100})
    assert intervals_in_polls(day, 60)[[1, 2, 3, 120]].tolist() == [1_000, 5_000, 4_000, 100]
    assert columns(longer_intervals(day, 60)) == [
        "2 minutes: 5,000 intervals",
        "3 minutes: 4,000 intervals",
        "4 minutes or longer: 100 intervals",
    ]


@pytest.mark.parametrize("day", [NOTHING, updates([3], {60: 2})], ids=["nothing", "all parked"])
def test_a_day_without_longer_intervals_can_be_drawn(day: Updates) -> None:
    assert columns(longer_intervals(day, 60)) == ["2 minutes: 0 intervals"]
    assert columns(updates_per_vehicle(day))


def test_a_figure_stands_alone_in_its_size() -> None:
    figure = Figure(updates_per_vehicle(updates([3], {60: 2})), "what is seen")
    bundle = figure._repr_mimebundle_()
    root = ET.fromstring(bundle["image/svg+xml"])
    assert (root.get("width"), root.get("height")) == ("460", "240")
    style = root.findtext(f"{SVG}style", "")
    used = {element.get("class") for element in root.iter() if element is not root}
    assert all(f".{name}" in style for name in used - {None})
    assert bundle["text/plain"] == "what is seen"


def test_a_table_has_a_column_for_each_thing_and_escapes_its_words() -> None:
    table = Table.of({"one": {"a": "1", "<b>": "2"}, "two": {"a": "3"}}, "what is seen")
    assert table.rows == [["a", "1", "3"], ["<b>", "2", ""]]
    html = table._repr_mimebundle_()["text/html"]
    assert "<tr><th>&lt;b&gt;</th><td>2</td><td></td></tr>" in html


def test_only_valid_lines_are_trips() -> None:
    columns = [{"kind": "integer", "name": "hour", "minimum": 0, "maximum": 23}]
    table = PublicTable.model_validate({"name": "trips", "columns": columns})
    rows = trips_of(["7", "24", "x", "8"], table, "town")
    assert rows.to_pydict() == {"hour": [7, 8], "area": ["town", "town"]}
