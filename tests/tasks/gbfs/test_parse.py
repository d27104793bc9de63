import gzip
import json
import time
from collections import Counter
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.gbfs import (
    REASONS,
    NotJsonError,
    Parsed,
    TooLargeError,
    WrongShapeError,
    document,
    parse,
)
from tasks.region import Box
from tasks.schema import SIGHTINGS, SIGHTINGS_OF_A_POLL
from tests.tasks.conftest import vehicles

GOOD = {"bike_id": "a", "lat": 38.25, "lon": -85.75}


def parse_records(*records: Any, **top: Any) -> Parsed:
    return parse(json.dumps({"data": {"bikes": records}, **top}).encode())


def ids(parsed: Parsed) -> list[str]:
    return list(parsed.sightings.column("vehicle_id").to_pylist())


@pytest.mark.parametrize("version", ["1.1", "2.3", "3.0"])
def test_a_well_formed_body(version: str) -> None:
    parsed = parse(vehicles(8, version))
    assert parsed.version == version
    assert parsed.ttl == 60
    assert parsed.last_updated is not None
    assert parsed.last_updated.isoformat() == "2026-05-20T00:00:00+00:00"
    assert parsed.sightings.schema == SIGHTINGS_OF_A_POLL
    assert parsed.sightings.to_pylist()[7] == {
        "vehicle_id": "vehicles-7" if version == "3.0" else "bikes-7",
        "latitude_e6": 38_200_700,
        "longitude_e6": -85_700_700,
        "is_reserved": False,
        "is_disabled": True,
        "vehicle_type_id": "scooter",
        "current_range_meters": 7000,
    }
    assert not parsed.quarantined


def test_the_shape_decides_and_not_the_version() -> None:
    parsed = parse(
        b'{"version": "1.0", "data": {"vehicles": [{"vehicle_id": 1, "lat": 1, "lon": 2}]}}'
    )
    assert ids(parsed) == ["1"]
    assert parsed.version == "1.0"
    assert ids(parse(b'{"vehicles": [{"bike_id": "x", "lat": 1, "lon": 2}], "bikes": []}')) == ["x"]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("not a record", "not_an_object"),
        (None, "not_an_object"),
        ({"lat": 38.2, "lon": -85.7}, "missing_id"),
        (GOOD | {"bike_id": None}, "missing_id"),
        (GOOD | {"bike_id": ""}, "missing_id"),
        (GOOD | {"bike_id": 1.5}, "bad_id"),
        (GOOD | {"bike_id": {"id": 1}}, "bad_id"),
        (GOOD | {"bike_id": "x" * 256}, "bad_id"),
        ({"bike_id": "b"}, "missing_position"),
        (GOOD | {"lat": None}, "missing_position"),
        ({"bike_id": "b", "station_id": "s"}, "docked_without_position"),
        (GOOD | {"lon": "east"}, "bad_position"),
        (GOOD | {"lon": True}, "bad_position"),
        (GOOD | {"lat": [38.2]}, "bad_position"),
        (GOOD | {"lat": 90.1}, "out_of_range"),
        (GOOD | {"lon": "-180.5"}, "out_of_range"),
        (GOOD | {"lat": 0, "lon": 0.0}, "null_island"),
        (GOOD | {"bike_id": "other"}, "duplicate_id"),
    ],
)
def test_one_bad_record_costs_itself_alone(record: Any, reason: str) -> None:
    others = [GOOD | {"bike_id": "other"}, GOOD | {"bike_id": "last"}]
    parsed = parse_records(others[0], record, others[1])
    assert ids(parsed) == ["other", "last"]
    assert parsed.quarantined == Counter([reason])
    assert reason in REASONS


def test_odd_but_clear_values_are_kept() -> None:
    parsed = parse_records(
        {
            "bike_id": 3833465119576306229,
            "lat": "38.25",
            "lon": " -85.75 ",
            "is_reserved": "False",
            "is_disabled": 1,
            "vehicle_type_id": 3645,
            "current_range_meters": "54234.9",
        }
    )
    assert parsed.sightings.to_pylist() == [
        {
            "vehicle_id": "3833465119576306229",
            "latitude_e6": 38_250_000,
            "longitude_e6": -85_750_000,
            "is_reserved": False,
            "is_disabled": True,
            "vehicle_type_id": "3645",
            "current_range_meters": 54235,
        }
    ]


def test_what_is_unclear_about_a_vehicle_is_left_out_and_the_vehicle_kept() -> None:
    parsed = parse_records(
        GOOD
        | {
            "is_reserved": "maybe",
            "vehicle_type_id": {},
            "current_range_meters": -1,
            "is_disabled": None,
        }
    )
    kept = parsed.sightings.to_pylist()[0]
    assert {name for name, value in kept.items() if value is None} == {
        "is_reserved",
        "is_disabled",
        "vehicle_type_id",
        "current_range_meters",
    }


def test_the_first_record_of_an_id_stays_and_bad_ones_do_not_take_its_place() -> None:
    parsed = parse_records(GOOD | {"lat": None}, GOOD, GOOD | {"lat": 38.3})
    assert parsed.sightings.column("latitude_e6").to_pylist() == [38_250_000]
    assert parsed.quarantined == {"missing_position": 1, "duplicate_id": 1}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b'{"bike_id": "b", "lat": NaN, "lon": 1}', "bad_position"),
        (b'{"bike_id": "b", "lat": 1e999, "lon": 1}', "missing_position"),
        (b'{"bike_id": "cut in half \\ud800", "lat": 1, "lon": 1}', "bad_id"),
        (b'{"bike_id": "K\xf6ln", "lat": 1, "lon": 1}', "bad_id"),  # Latin-1
    ],
)
def test_faults_of_the_json_cost_one_record_where_they_can(record: bytes, reason: str) -> None:
    parsed = parse(b'{"bikes": [{"bike_id": "good", "lat": 1, "lon": 1}, ' + record + b"]}")
    assert ids(parsed) == ["good"]
    assert parsed.quarantined == {reason: 1}


def test_a_byte_order_mark_is_read_over() -> None:
    assert ids(parse(b"\xef\xbb\xbf" + vehicles(1))) == ["bikes-0"]


def test_an_empty_list_is_an_answer() -> None:
    parsed = parse(vehicles(0))
    assert parsed.sightings.num_rows == parsed.received == 0
    assert parsed.sightings.schema == SIGHTINGS_OF_A_POLL


@pytest.mark.parametrize("body", [b"", b"<html></html>", b'{"data": {"bikes": [', b"[" * 100_000])
def test_no_json(body: bytes) -> None:
    with pytest.raises(NotJsonError):
        parse(body)


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b'{"data": []}',
        b'{"data": {"bikes": {}}}',
        b'{"data": {"stations": [{"station_id": "a", "lat": 1, "lon": 1}]}}',
        b'{"message": "over quota"}',
    ],
)
def test_json_of_another_shape(body: bytes) -> None:
    with pytest.raises(WrongShapeError):
        parse(body)


def test_an_exception_never_quotes_the_body() -> None:
    for body in (b"secret-token", b'["secret-token"]', b'{"secret-token": 1}'):
        with pytest.raises((NotJsonError, WrongShapeError)) as raised:
            parse(body)
        assert "secret" not in str(raised.value)
        assert raised.value.__cause__ is None


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["0", "38.2", "-85.7", "False", "nan", "\ud800", "a", "b"]),
)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)
KEYS = sorted({*SIGHTINGS.names, "bike_id", "vehicle_id", "lat", "lon", "station_id", "name"})
RECORDS = st.lists(
    st.one_of(
        ANY_JSON,
        st.dictionaries(st.sampled_from(KEYS), SCALARS | ANY_JSON, max_size=8),
        st.fixed_dictionaries(
            {
                "bike_id": st.sampled_from(["a", "b", "c", 7]),
                "lat": st.floats(-91, 91) | SCALARS,
                "lon": st.floats(-181, 181) | SCALARS,
            }
        ),
    ),
    max_size=10,
)


@given(ANY_JSON)
def test_any_json_gives_sightings_or_our_exception(document: Any) -> None:
    with suppress(NotJsonError, WrongShapeError):
        parse(json.dumps(document).encode())


@given(st.binary(max_size=60))
def test_any_bytes_give_sightings_or_our_exception(body: bytes) -> None:
    with suppress(NotJsonError, WrongShapeError):
        parse(body)


@given(st.sampled_from(["bikes", "vehicles"]), RECORDS, st.dictionaries(st.text(), SCALARS))
def test_every_record_is_kept_or_counted(
    name: str, records: list[Any], top: dict[str, Any]
) -> None:
    parsed = parse(json.dumps({**top, "data": {name: records}}).encode())
    assert parsed.received == len(records)
    assert parsed.sightings.num_rows + sum(parsed.quarantined.values()) == len(records)
    assert set(parsed.quarantined) <= set(REASONS)
    assert all(count > 0 for count in parsed.quarantined.values())
    parsed.sightings.validate(full=True)
    kept = parsed.sightings.to_pylist()
    assert len({row["vehicle_id"] for row in kept}) == len(kept)
    for row in kept:
        assert row["vehicle_id"]
        assert -90_000_000 <= row["latitude_e6"] <= 90_000_000
        assert -180_000_000 <= row["longitude_e6"] <= 180_000_000
        assert row["current_range_meters"] is None or row["current_range_meters"] >= 0


FOUND: dict[str, tuple[int, dict[str, int]]] = {
    "bird_maia_v2.2/free_bike_status.extract4.json": (4, {}),
    "divvy_chicago/free_bike_status.json": (1244, {}),
    "gis_tools_fixtures/v1.1/free_bike_status.json": (2, {}),
    "gis_tools_fixtures/v2.2/free_bike_status.json": (2, {}),
    "gis_tools_fixtures/v3.0/vehicle_status.json": (85, {}),
    "moby_dublin_v3.0_partial/vehicle_status.first12.json": (12, {}),
    "otp_fixtures/ridecheck/almere/vehicle_status.json": (6, {}),
    "portland_2019_2021_stubs/lime_free_bike_status_extracted.json": (791, {}),
    "portland_2019_2021_stubs/nike_free_bike_status_extracted.json": (375, {}),
    "portland_2019_2021_stubs/spin_free_bike_status_extracted.json": (536, {}),
}
"""Kept and quarantined records of every real file that holds vehicles."""


def test_every_real_file_parses_or_is_told_to_hold_no_vehicles(shared_data: Path) -> None:
    folder = shared_data / "gbfs"
    table = {}
    for path in sorted(folder.rglob("*.json")):
        name = path.relative_to(folder).as_posix()
        try:
            parsed = parse(path.read_bytes())
        except WrongShapeError:
            continue
        table[name] = (parsed.sightings.num_rows, dict(parsed.quarantined))
    assert table == FOUND


def test_every_wolfsburg_capture_keeps_all_its_vehicles(shared_data: Path) -> None:
    captures = sorted((shared_data / "gbfs" / "tier_wolfsburg" / "captures").glob("*.json.gz"))
    parsed = [parse(gzip.decompress(path.read_bytes())) for path in captures]
    assert len(parsed) == 77
    assert sum(each.sightings.num_rows for each in parsed) == 65_593
    assert not any(each.quarantined for each in parsed)
    day = {
        vehicle
        for path, each in zip(captures, parsed, strict=True)
        if "20230801" in path.name
        for vehicle in ids(each)
    }
    assert len(day) == 859


def test_a_large_feed_is_read_in_time() -> None:
    body = vehicles(9000)
    best = min(_seconds(body) for _ in range(5))
    assert best < 9000 * 10e-6  # measured: 2 microseconds a vehicle, most of it the JSON


def _seconds(body: bytes) -> float:
    begun = time.process_time()
    parse(body)
    return time.process_time() - begun


AREA = (
    Box(name="a", south=38.0, west=-86.0, north=39.0, east=-85.0),
    Box(name="b", south=-17.0, west=179.5, north=-16.0, east=180.0),
)


@pytest.mark.parametrize(
    ("latitude", "longitude", "reason"),
    [
        (38.25, -85.75, None),
        (39.9, -84.1, None),  # a neighbour's suburb
        (-16.5, 179.9, None),
        (-16.5, -179.9, None),  # over the antimeridian
        (-85.75, 38.25, "swapped_position"),
        (179.9, -16.5, "swapped_position"),  # no latitude at all
        ("-85.75", "38.25", "swapped_position"),
        (40.1, -85.75, None),  # far away is where the vehicle was, as far as anybody knows
        (38.25, 85.75, None),
        (52.4, 10.8, None),
        (138.25, 85.75, "out_of_range"),
        (0, 0, "null_island"),
    ],
)
def test_positions_are_held_against_the_service_area(
    latitude: Any, longitude: Any, reason: str | None
) -> None:
    document = {"bikes": [GOOD | {"lat": latitude, "lon": longitude}]}
    parsed = parse(json.dumps(document).encode(), AREA)
    assert parsed.quarantined == Counter([] if reason is None else [reason])
    assert parsed.sightings.num_rows == (reason is None)
    assert reason is None or reason in REASONS


def test_nothing_is_repaired() -> None:
    swapped = [GOOD, GOOD | {"bike_id": "b", "lat": -85.75, "lon": 38.25}]
    parsed = parse(json.dumps({"bikes": swapped}).encode(), AREA)
    assert ids(parsed) == ["a"]
    # the position of an id that is bad twice is no duplicate
    parsed = parse(json.dumps({"bikes": [swapped[1], swapped[1] | {"lat": 38.2}]}).encode(), AREA)
    assert parsed.quarantined == {"swapped_position": 1}
    assert ids(parsed) == ["b"]


@pytest.mark.parametrize("version", ["3.0", "3.1-RC2"])
def test_the_shapes_of_version_3(version: str) -> None:
    record = {"vehicle_id": "v", "lat": 38.25, "lon": -85.75, "is_reserved": False}
    name = [{"text": "Rad", "language": "de"}]
    docked = {"vehicle_id": "d", "station_id": "s", "is_reserved": False, "is_disabled": True}
    parsed = parse(
        json.dumps(
            {
                "last_updated": "2024-12-27T13:12:57+01:00",
                "ttl": 0,
                "version": version,
                "data": {"name": name, "vehicles": [record | {"name": name}, docked]},
            }
        ).encode()
    )
    assert (parsed.version, ids(parsed)) == (version, ["v"])
    assert parsed.quarantined == {"docked_without_position": 1}


def test_milliseconds_are_told_from_seconds() -> None:
    for written in (1690883390, 1690883390000, "1690883390000"):
        parsed = parse_records(GOOD, last_updated=written)
        assert parsed.last_updated is not None
        assert parsed.last_updated.timestamp() == 1690883390


def test_vehicles_in_use_stay_and_are_flagged() -> None:
    riding = GOOD | {"is_reserved": True, "is_disabled": False, "in_use": True, "speed": 17}
    assert parse_records(riding).sightings.to_pylist()[0]["is_reserved"] is True


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_nesting_has_a_limit(opening: bytes) -> None:
    closing = b"]" if opening == b"[" else b"}"
    for depth, far in ((2000, True), (200_000, True), (100, False)):
        body = b'{"bikes": [], "x": ' + opening * depth + b"1" + closing * depth + b"}"
        with pytest.raises(NotJsonError) if far else nullcontext():
            parse(body)


@pytest.mark.parametrize("value", [b"1,", b"[],", b"{},"])
def test_the_number_of_values_has_a_limit(value: bytes) -> None:
    begun = time.process_time()
    with pytest.raises(TooLargeError):
        parse(b'{"bikes": [' + value * document.MAX_VALUES + b"1]}")
    assert time.process_time() - begun < 0.5  # nothing was made of them


def test_numbers_have_a_limit() -> None:
    digits = b"9" * 100_000
    for number in (digits, b"-" + digits, b"0." + digits, b"1e" + digits, b"Infinity", b"NaN"):
        parsed = parse(
            b'{"ttl": ' + number + b', "bikes": [{"bike_id": "good", "lat": 1, "lon": 1},'
            b'{"bike_id": "b", "lat": ' + number + b', "lon": 999}]}'
        )
        assert ids(parsed) == ["good"]
        assert parsed.sightings.num_rows == 1
