import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.tables import PublicTable, TableError, load_table, read_rows, to_lines

TABLE = PublicTable.model_validate(
    {
        "name": "visits",
        "columns": [
            {"kind": "integer", "name": "hour", "minimum": 0, "maximum": 23},
            {"kind": "decimal", "name": "km", "minimum": 0, "maximum": 9.5, "places": 2},
            {"kind": "category", "name": "sex", "values": ["female", "male"]},
            {"kind": "date", "name": "day", "minimum": "2020-01-01", "maximum": "2020-12-31"},
            {"kind": "text", "name": "code", "alphabet": "AB1 ", "max_length": 4},
        ],
    }
)
LINES = ["7,0.5,male,2020-02-29,A1", "23,9.5,female,2020-12-31,A B"]
HEADER = "hour,km,sex,day,code"


def written(folder: Path, *lines: str) -> Path:
    path = folder / "visits.csv"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "lines",
    [
        [HEADER, *LINES],
        LINES,
        ["\ufeff" + HEADER, *LINES],
        [line.replace(",", ", ") for line in LINES],
        ["code, day, km, hour, sex, more", *("A1, 2020-02-29, 0.50, 07, male, x",)],
        ['"7","0.5","male","2020-02-29","A1"', "", LINES[1]],
    ],
)
def test_with_and_without_a_header(lines: list[str], tmp_path: Path) -> None:
    rows = read_rows(written(tmp_path, *lines), TABLE)
    assert rows.schema.equals(TABLE.arrow())
    assert to_lines(rows, TABLE) == LINES[: rows.num_rows]


def test_parquet_of_other_types(tmp_path: Path) -> None:
    path = tmp_path / "visits.parquet"
    pq.write_table(
        pa.table(
            {
                "day": pa.array([dt.datetime(2020, 2, 29, 7)], pa.timestamp("ms")),
                "sex": pa.array(["male"]).dictionary_encode(),
                "km": pa.array([0.5], pa.float32()),
                "hour": pa.array([7.0]),
                "code": ["A1"],
                "more": [1],
            }
        ),
        path,
    )
    assert to_lines(read_rows(path, TABLE), TABLE) == LINES[:1]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "it has no rows"),
        ([HEADER], "it has no rows"),
        ([HEADER, "24,1,male,2020-01-01,A"], "line 2, column 'hour': not a whole number from 0 t"),
        ([LINES[0], ",1,male,2020-01-01,A"], "line 2, column 'hour'"),
        ([HEADER, "1,1,other,2020-01-01,A"], "column 'sex': not one of female, male"),
        ([HEADER, "1,1,male,2021-01-01,A"], "column 'day': not a day from 2020-01-01 to 2020-12"),
        ([HEADER, "1,1,male,2020-01-01,AB1AB"], "column 'code': not 1 to 4 characters of 'AB1 '"),
        ([HEADER, "1,1,male,2020-01-01"], "line 2 has 4 values separated by ',', not 5"),
        (["hour,km,sex,date,code", LINES[0]], "column 'day' is not there; the file has hour, km"),
        (["hour,km,sex,day,code,km", LINES[0]], "column 'km' is twice"),
        (["HOUR,KM,SEX,DAY,CODE", LINES[0]], "line 1, column 'hour'"),
        ([LINES[0].replace(",", ";")], "line 1 has 1 values separated by ','"),
        (['7,"0.5'], "neither a CSV file in UTF-8 nor Parquet"),
    ],
)
def test_what_does_not_meet_the_schema(lines: list[str], said: str, tmp_path: Path) -> None:
    path = written(tmp_path, *lines)
    with pytest.raises(TableError) as caught:
        read_rows(path, TABLE)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_message_holds_a_value(tmp_path: Path) -> None:
    with pytest.raises(TableError) as caught:
        read_rows(written(tmp_path, HEADER, "1,1,secret,2020-01-01,A"), TABLE)
    assert "secret" not in str(caught.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="cannot read it: No such file"):
        read_rows(tmp_path / "absent.csv", TABLE)
    with pytest.raises(TableError, match="cannot read it: Is a directory"):
        read_rows(tmp_path, TABLE)
    path = tmp_path / "bytes"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TableError, match="neither a CSV file in UTF-8 nor Parquet"):
        read_rows(path, TABLE)
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(TableError, match="neither a CSV file in UTF-8 nor Parquet"):
        read_rows(path, TABLE)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hour": pa.array([None], pa.int64())}, "row 1, column 'hour': not a whole number"),
        ({"code": pa.array([["A"]])}, "row 1, column 'code'"),
    ],
)
def test_parquet_that_does_not_meet_it(
    changes: dict[str, pa.Array], said: str, tmp_path: Path
) -> None:
    columns = {"hour": [7], "km": [0.5], "sex": ["male"], "day": ["2020-02-29"], "code": ["A1"]}
    path = tmp_path / "visits.parquet"
    pq.write_table(pa.table({**columns, **changes}), path)
    with pytest.raises(TableError) as caught:
        read_rows(path, TABLE)
    assert said in str(caught.value)


def test_the_trips_of_a_day_meet_the_shipped_schema(shared_data: Path) -> None:
    table = load_table(Path(__file__).parents[3] / "deployments" / "schemas" / "trips.yaml")
    folder = shared_data / "trips"
    assert read_rows(folder / "uber_scooter_rides_1day.csv", table).num_rows == 27_114
    canaries = folder / "canaries.csv"
    written = [line.replace(", ", ",") for line in canaries.read_text().splitlines()]
    assert to_lines(read_rows(canaries, table), table) == written
