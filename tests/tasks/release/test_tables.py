import gzip
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.region import Region
from tasks.release.tables import published_table, write_csv, write_parquet
from tasks.schema import RELEASE

MakeRows = Callable[[Region, int], pa.Table]


def test_the_order_of_the_rows_carries_nothing(region: Region, make_rows: MakeRows) -> None:
    rows = make_rows(region, 300)
    backwards = rows.take(list(range(299, -1, -1)))
    assert published_table(rows).equals(published_table(backwards), check_metadata=True)
    hours = published_table(rows)["hour"].to_pylist()
    assert hours == sorted(hours)
    assert sorted(map(repr, published_table(rows).to_pylist())) == sorted(
        map(repr, rows.to_pylist())
    )


def test_parquet_carries_units_and_descriptions(
    region: Region, make_rows: MakeRows, tmp_path: Path
) -> None:
    path = tmp_path / "trips.parquet"
    write_parquet(published_table(make_rows(region, 300)), path)
    schema = pq.read_schema(path)
    for column in RELEASE.columns:
        assert schema.field(column.name).metadata[b"description"].decode() == column.description
    assert schema.field("distance_m").metadata[b"unit"] == b"m"
    assert pq.ParquetFile(path).metadata.row_group(0).column(2).compression == "ZSTD"


def test_both_files_hold_the_same_rows(region: Region, make_rows: MakeRows, tmp_path: Path) -> None:
    table = published_table(make_rows(region, 300))
    write_csv(table, tmp_path / "trips.csv.gz")
    types = {"hour": "int8", "area": "str"}
    read = pd.read_csv(tmp_path / "trips.csv.gz", dtype=types, float_precision="round_trip")
    pd.testing.assert_frame_equal(read, table.to_pandas(), check_exact=True)


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_the_same_rows_give_the_same_bytes(
    write: Callable[[pa.Table, Path], None], region: Region, make_rows: MakeRows, tmp_path: Path
) -> None:
    table = published_table(make_rows(region, 300))
    write(table, tmp_path / "a")
    write(table, tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_csv_dialect(region: Region, make_rows: MakeRows, tmp_path: Path) -> None:
    path = tmp_path / "trips.csv.gz"
    write_csv(published_table(make_rows(region, 2)), path)
    packed = path.read_bytes()
    assert packed[3:8] == bytes(5)  # no name, no time
    header, first, _, last = gzip.decompress(packed).decode().split("\n")
    assert header == ",".join(RELEASE.names)
    assert first.startswith('"north",')
    assert last == ""
