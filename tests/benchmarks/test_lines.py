from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.benchmarks.lines import write_panels

SVG = "{http://www.w3.org/2000/svg}"


def test_panels_are_one_svg_file_that_stands_alone(tmp_path: Path) -> None:
    path = tmp_path / "plot.svg"
    lines = {"with": [0.04, 0.02, 0.01], "without & alone": [0.04, 0.04, 0.04]}
    write_panels(path, {"a < b": lines, "c": lines}, "Errors", "days", {2: "fair"})
    root = ElementTree.parse(path).getroot()
    assert root.tag == f"{SVG}svg"
    drawn = [line.attrib["points"].split() for line in root.iter(f"{SVG}polyline")]
    assert [len(points) for points in drawn] == [3, 3, 3, 3]
    assert drawn[0] == drawn[2]
    height = [float(point.split(",")[1]) for point in drawn[0]]
    assert height == sorted(height)  # a smaller error is further down
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert {"a < b", "c", "with", "without & alone", "fair", "days"} <= set(words)


def test_more_lines_than_can_be_told_apart_are_refused(tmp_path: Path) -> None:
    lines = {name: [0.1] for name in "abcd"}
    with pytest.raises(ValueError, match="4 lines"):
        write_panels(tmp_path / "plot.svg", {"a": lines}, "Errors", "days", {})
