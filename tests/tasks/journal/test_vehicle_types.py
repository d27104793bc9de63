import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.files import Layout
from tasks.journal import Journal, read_day, seal_day
from tasks.journal.vehicle_types import add_vehicle_types, read_vehicle_types
from tasks.schema import VEHICLE_TYPES
from tests.tasks.conftest import DAY, START, FeedServer, Reply, minutes, region_of, replayed
from tests.tasks.journal.conftest import poll, sightings
from tests.tasks.journal.test_sealing import REGION
from tests.tasks.journal.test_shift import collected, run


def types(**form_factors: str | None) -> pa.Table:
    rows = [
        {"vehicle_type_id": key, "form_factor": value, "propulsion_type": "electric"}
        for key, value in form_factors.items()
    ]
    return pa.Table.from_pylist(rows, schema=VEHICLE_TYPES.arrow())


def form_factors(table: pa.Table) -> dict[str, str | None]:
    return {row["vehicle_type_id"]: row["form_factor"] for row in table.to_pylist()}


def test_the_types_of_a_day_add_up_and_the_newest_facts_count(tmp_path: Path) -> None:
    assert form_factors(read_vehicle_types(tmp_path)) == {}
    add_vehicle_types(tmp_path, types(b="moped", a="car"))
    add_vehicle_types(tmp_path, types(c=None, b="bicycle"))
    assert list(form_factors(read_vehicle_types(tmp_path)).items()) == [
        ("a", "car"),
        ("b", "bicycle"),
        ("c", None),
    ]


def test_what_is_known_is_not_written_again(tmp_path: Path) -> None:
    add_vehicle_types(tmp_path, types(a="car"))
    (file,) = tmp_path.iterdir()
    inode = file.stat().st_ino
    add_vehicle_types(tmp_path, types(a="car"))
    assert file.stat().st_ino == inode


@pytest.mark.parametrize("content", [b"", b"PAR1 nonsense", b"PAR1" + bytes(40) + b"PAR1"])
def test_a_damaged_file_is_told_and_replaced(tmp_path: Path, content: bytes) -> None:
    add_vehicle_types(tmp_path, types(a="car"))
    (file,) = tmp_path.iterdir()
    file.write_bytes(content)
    assert read_vehicle_types(tmp_path) is None
    add_vehicle_types(tmp_path, types(b="car"))
    assert form_factors(read_vehicle_types(tmp_path)) == {"b": "car"}


def test_the_sealed_day_names_its_types(layout: Layout) -> None:
    with Journal(layout.journal("test", "feed"), "test", "feed", REGION.zone) as journal:
        journal.append(poll(0, 1), sightings(["a"]))
        journal.keep_vehicle_types(types(x="moped"), START)
    manifest = seal_day(REGION, DAY, layout)
    assert manifest["feeds"]["feed"]["vehicle_types"] == 1
    name = "feed.vehicle_types.parquet"
    assert manifest["files"][name]["bytes"] > 0
    sealed = pq.read_table(layout.sightings("test", DAY) / name)
    assert sealed.schema.equals(VEHICLE_TYPES.arrow(), check_metadata=True)
    assert form_factors(sealed) == {"x": "moped"}


GOOD = b'{"data": {"vehicle_types": [{"vehicle_type_id": "scooter", "form_factor": "moped"}]}}'
BROKEN = {
    "missing": Reply(b"", 404),
    "busy": Reply(b"", 429, {"Retry-After": "3000"}),
    "no JSON": Reply(b"<html>"),
    "another shape": Reply(b'{"data": {"bikes": []}}'),
    "broken off": Reply(GOOD, length=999),
}


def with_types(server: FeedServer) -> str:
    """URL of a feed that names vehicle types and is answered by `/v` and `/types`."""
    files = {"free_bike_status": "/v", "vehicle_types": "/types"}
    listed = [{"name": name, "url": url} for name, url in files.items()]
    index = json.dumps({"data": {"en": {"feeds": listed}}}).encode()
    return server.serve("/gbfs.json", index)


@pytest.mark.parametrize("fault", [None, *BROKEN])
def test_types_are_collected_and_without_them_all_goes_on(
    feed_server: FeedServer, layout: Layout, fault: str | None
) -> None:
    feed_server.serve("/types", GOOD if fault is None else BROKEN[fault])
    feed_server.serve_in_turn("/v", replayed(minutes(0, 1, 2)))
    told: list[str] = []
    shift = run(region_of(with_types(feed_server), clock="feed"), layout, warn=told.append)
    assert (shift.outcomes, told) == ({"ok": 3, "ended": 1}, [])
    assert [request.path for request in feed_server.requests].count("/types") == 1
    expected = {"scooter": "moped"} if fault is None else {}
    assert form_factors(collected(layout).vehicle_types) == expected
    assert read_day(layout.journal("test", "feed"), DAY).damaged == ()


def test_where_types_cannot_be_stored_the_polls_are(
    feed_server: FeedServer, layout: Layout
) -> None:
    in_the_way = layout.journal("test", "feed") / DAY.isoformat() / "vehicle_types.parquet"
    in_the_way.mkdir(parents=True)
    feed_server.serve("/types", GOOD)
    feed_server.serve_in_turn("/v", replayed(minutes(0, 1, 2)))
    told: list[str] = []
    shift = run(region_of(with_types(feed_server), clock="feed"), layout, warn=told.append)
    assert shift.outcomes == {"ok": 3, "ended": 1}
    (line,) = told
    assert "the vehicle types are not kept: " in line
