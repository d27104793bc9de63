from pathlib import Path

import pytest

from infra.replay.source import ReplayError
from infra.replay.trip_table import read_trips

GOOD = "3, HRN405, 37.754061, -122.392958, 37.7552, -122.412246\n"


def test_rows_keep_their_order(tmp_path: Path) -> None:
    path = tmp_path / "trips.csv"
    path.write_text(GOOD + "\n" + "23,b,0,0,-90,180\n")
    table = read_trips(path)
    assert table.hour.tolist() == [3, 23]
    assert table.vehicle == ("HRN405", "b")
    assert table.origin.tolist() == [[37.754061, -122.392958], [0, 0]]
    assert table.destination.tolist() == [[37.7552, -122.412246], [-90, 180]]
    assert table.distance_m[1] == pytest.approx(10_007_557, rel=1e-6)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("1,a,1,1,2\n", "5 columns"),
        ("24,a,1,1,2,2\n", "hour"),
        ("-1,a,1,1,2,2\n", "hour"),
        ("hour,id,lat,lon,lat,lon\n", "hour"),
        ("1,,1,1,2,2\n", "vehicle id"),
        ("1,a,north,1,2,2\n", "not a number"),
        ("1,a,nan,1,2,2\n", "number of degrees"),
        ("1,a,1,1,2,inf\n", "number of degrees"),
        ("1,a,1,1,2,5000\n", "number of degrees"),
        ("1,a,1,1,1,1.0001\n", "apart"),
    ],
)
def test_a_bad_row_is_named_by_its_line_and_not_shown(
    tmp_path: Path, row: str, complaint: str
) -> None:
    path = tmp_path / "trips.csv"
    path.write_text(GOOD + GOOD + row)
    with pytest.raises(ReplayError, match=complaint) as caught:
        read_trips(path)
    assert f"{path}, line 3" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert row.strip() not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"", "no trips"), (b"\n\n", "no trips"), (b"\xff\xfe1,a", "UTF-8"), (b'1,"a', "not a CSV")],
)
def test_a_file_that_is_no_table(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "trips.csv"
    path.write_bytes(content)
    with pytest.raises(ReplayError, match=complaint):
        read_trips(path)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(ReplayError, match="cannot read the trips"):
            read_trips(path)
