"""What Frictionless, the reference reader of data packages, makes of a release."""

import gc
import warnings
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from frictionless import Package, Report, validate

from tasks.release.tables import SCHEMAS
from tasks.schema import FLOWS


def validated(release: Path) -> Report:
    """What Frictionless finds; it leaves files that it unpacked to the garbage collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        report: Report = validate(str(release / "datapackage.json"))
        gc.collect()
    return report


def test_a_release_is_a_valid_data_package(release: Path, kind: str) -> None:
    report = validated(release)
    assert report.valid, report.flatten(["title", "message"])
    rows = {task.name: task.stats["rows"] for task in report.tasks if task.type == "table"}
    tables = ["trips"] if kind == "trips" else ["starts", "ends", "modelled_trips"]
    assert set(rows) == {*tables, "locations", "flows"}
    for name in tables:
        assert rows[name] == pq.read_metadata(release / f"{name}.parquet").num_rows
    package = Package(str(release / "datapackage.json"))
    paths = {resource.path for resource in package.resources}
    assert {"measurements.parquet", "intervals.parquet", f"{tables[0]}.geo.parquet"} <= paths
    assert package.licenses[0]["name"] == "CC-BY-4.0"


def test_the_columns_are_those_of_the_schema(release: Path) -> None:
    package = Package(str(release / "datapackage.json"))
    for resource in package.resources:
        if (table := SCHEMAS.get(resource.name)) is None:
            continue
        fields = resource.schema.fields
        assert tuple(field.name for field in fields) == table.names
        for field, column in zip(fields, table.columns, strict=True):
            assert field.description == column.description
            assert field.constraints.get("maximum") == column.maximum
            assert field.required
    flows = [row.to_dict() for row in package.get_table_resource("flows").read_rows()]
    assert set(flows[0]) == set(FLOWS.names)
    assert all(isinstance(flow["count"], int) for flow in flows)


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [(b',1\n"', b',7\n"', "hash-count"), (b',1\n"', b',0\n"', "constraint-error")],
)
def test_a_count_that_was_altered_is_found(
    release: Path, old: bytes, new: bytes, error: str
) -> None:
    flows = release / "flows.csv"
    flows.write_bytes(flows.read_bytes().replace(old, new, 1))
    report = validated(release)
    assert error in {found for (found,) in report.flatten(["type"])}
