import datetime as dt
import logging
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import requests

import tasks.derive
from tasks.derive import derive
from tasks.files import Layout
from tasks.region import Region
from tasks.schema import ENDS, TRIPS
from tests.tasks.mobility.simulated_fleet import (
    Fleet,
    NameOf,
    moment_of,
    per_poll,
    per_trip,
    periodic,
    simulate,
    static,
    then,
)

FLEET = Fleet()
DAY = moment_of(0, FLEET).date()


@pytest.fixture(autouse=True)
def _plain_logger(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The task is called without a flow's run, so it has no run's logger."""
    caplog.set_level(logging.INFO, logger="derive")
    monkeypatch.setattr(tasks.derive, "get_run_logger", lambda: logging.getLogger("derive"))


@pytest.fixture
def layout(data_root: Path) -> Layout:
    return Layout(data_root)


def region(*regimes: str, **changes: Any) -> Region:
    feeds = [
        {"id": f"f{n}", "url": f"http://127.0.0.1/{n}/gbfs.json", "id_regime": regime}
        for n, regime in enumerate(regimes)
    ]
    area = {"name": "all", "south": 50.3, "west": 8.3, "north": 50.5, "east": 8.5}
    place = {"id": "test", "name": "Test", "time_zone": "UTC", "service_area": [area]}
    return Region.model_validate({**place, "feeds": feeds, **changes})


def seal(layout: Layout, *names: NameOf, fleet: Fleet = FLEET, day: dt.date = DAY) -> None:
    """The files of a sealed day, one feed per way of naming."""
    directory = layout.sightings("test", day)
    directory.mkdir(parents=True)
    for n, name_of in enumerate(names):
        simulated = simulate(fleet, name_of)
        pq.write_table(simulated.sightings, directory / f"f{n}.parquet", row_group_size=4_000)
        pq.write_table(simulated.polls, directory / f"f{n}.polls.parquet")


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line.getMessage() for line in caplog.records if line.levelno >= logging.WARNING]


def test_a_day_of_static_ids_becomes_trips(
    layout: Layout, caplog: pytest.LogCaptureFixture
) -> None:
    seal(layout, static, static, fleet=FLEET)
    manifest = derive.fn(region("static", "static"), DAY)
    ended = 2 * len(simulate(FLEET, static).ends)
    assert manifest["moves"] == ended
    assert 0 < manifest["trips"] <= ended
    for feed in ("f0", "f1"):
        over = manifest["moves_over_m"][feed]
        assert over["50"] >= over["100"] >= over["200"] > 0
        regime = manifest["id_regime"][feed]
        assert (regime["declared"], regime["measured"]) == ("static", "static")
        assert not regime["differs"]
        assert regime["evidence"]["moves"] == over["100"]
    table = pq.read_table(layout.trips("test", DAY) / "trips.parquet")
    assert table.schema.equals(TRIPS.arrow(), check_metadata=True)
    assert warnings(caplog) == []
    assert derive.fn(region("static", "static"), DAY) == manifest


def test_the_number_of_moves_over_each_distance_is_reported(layout: Layout) -> None:
    seal(layout, static)
    moved = simulate(FLEET, static)
    manifest = derive.fn(region("static"), DAY)
    # every ride of the fleet is over 200 m
    assert set(manifest["moves_over_m"]["f0"].values()) == {len(moved.ends)}


@pytest.mark.parametrize(
    ("name_of", "measured"),
    [
        (per_trip, "per_trip"),
        (per_poll, "per_poll"),
        (periodic(20), "periodic"),
        (then(static, per_trip, 240), "mixed"),
    ],
)
def test_a_regime_that_is_not_as_declared_is_told_and_decides_nothing(
    layout: Layout, caplog: pytest.LogCaptureFixture, name_of: NameOf, measured: str
) -> None:
    seal(layout, name_of)
    manifest = derive.fn(region("static"), DAY)
    regime = manifest["id_regime"]["f0"]
    assert (regime["measured"], regime["differs"]) == (measured, True)
    (line,) = warnings(caplog)
    assert line.startswith(f"f0: declared static, measured {measured}: ")
    assert line.endswith(regime["evidence"]["sentence"])
    assert (layout.trips("test", DAY) / "trips.parquet").exists()


def test_too_thin_a_day_contradicts_no_declaration(
    layout: Layout, caplog: pytest.LogCaptureFixture
) -> None:
    seal(layout, static, fleet=Fleet(vehicles=3))
    manifest = derive.fn(region("static"), DAY)
    assert manifest["id_regime"]["f0"]["measured"] == "unknown"
    assert not manifest["id_regime"]["f0"]["differs"]
    assert warnings(caplog) == []


def test_rides_that_are_seen_are_told(layout: Layout, caplog: pytest.LogCaptureFixture) -> None:
    seal(layout, static, fleet=Fleet(minutes=1, visible=True))
    manifest = derive.fn(region("static"), DAY)
    assert manifest["id_regime"]["f0"]["evidence"]["in_ride_visible"]
    said, advice = warnings(caplog)
    assert "stay in the feed while they are ridden" in said
    assert "choose the unit vehicle_day" in advice


def test_rule_5_where_the_number_of_trips_is_private_no_log_tells_it(
    layout: Layout, caplog: pytest.LogCaptureFixture
) -> None:
    seal(layout, static, fleet=Fleet(minutes=1, visible=True))
    vehicles = {"unit": "vehicle_day", "adjacency": "add_remove", "max_trips_per_vehicle": 4}
    with caplog.at_level("INFO"):
        manifest = derive.fn(region("static", guarantee=vehicles), DAY)
    assert not any("choose the unit" in line for line in warnings(caplog))
    told = " ".join(line.getMessage() for line in caplog.records)
    assert "how many is private" in told
    evidence = manifest["id_regime"]["f0"]["evidence"]
    numbers = {manifest["moves"], manifest["trips"], evidence["hops"], evidence["chained"]}
    assert not {str(number) for number in numbers} & set(re.findall(r"\d+", told))


def test_changing_ids_give_starts_and_ends(
    layout: Layout, caplog: pytest.LogCaptureFixture, tasks_alone: None
) -> None:
    seal(layout, per_trip)
    manifest = derive(region("per_trip"), DAY)
    assert derive(region("per_trip"), DAY) == manifest
    assert "no_trips" not in manifest
    assert warnings(caplog) == []
    assert not layout.trips("test", DAY).exists()
    assert manifest["id_regime"]["f0"]["measured"] == "per_trip"
    table = pq.read_table(layout.ends("test", DAY) / "ends.parquet")
    assert table.schema.equals(ENDS.arrow(), check_metadata=True)
    assert table.num_rows == manifest["starts"] + manifest["ends"] + manifest["outside"]
    assert min(manifest["starts"], manifest["ends"]) > 0


@pytest.mark.parametrize(
    ("regime", "name_of", "said"),
    [
        ("per_poll", per_poll, "feed f0: it names its vehicles anew in every answer"),
        ("periodic", periodic(20), "feed f0: it changes all its ids together by the clock"),
    ],
)
def test_ids_that_change_together_give_nothing_and_one_sentence(
    layout: Layout,
    regime: str,
    name_of: NameOf,
    said: str,
    caplog: pytest.LogCaptureFixture,
    prefect_api: str,
    tasks_alone: None,
) -> None:
    seal(layout, name_of)
    for _ in range(2):
        message = derive(region(regime), DAY)["no_trips"]
        assert message in caplog.messages
        assert message.startswith(f"region test, {DAY}: no trips are derived: {said}")
        assert "\n" not in message
        assert ("ends.parquet" in message) == (regime != "per_poll")
    assert warnings(caplog) == []
    artifact = f"{prefect_api}/artifacts/no-trips-test-{DAY}/latest"
    assert requests.get(artifact, timeout=30).json()["data"] == message
    assert not layout.trips("test", DAY).exists()
    rows = pq.read_metadata(layout.ends("test", DAY) / "ends.parquet").num_rows
    assert (rows > 0) == (regime != "per_poll")


def test_feeds_that_differ_give_nothing_together(layout: Layout, tasks_alone: None) -> None:
    seal(layout, static, per_trip)
    message = derive(region("static", "per_trip"), DAY)["no_trips"]
    assert "derived: feed f1: it gives" in message
    assert "give the feeds whose ids change with every ride a region of their own" in message
    assert "no_trips" not in derive(region("per_trip", "per_trip"), DAY)  # the YAML was corrected
    assert "no_trips" in derive(region("static", "per_trip"), DAY)
    table = pq.read_table(layout.ends("test", DAY) / "ends.parquet")
    assert set(table["feed"].to_pylist()) == {"f1"}


def test_a_trip_across_midnight_belongs_to_the_day_in_which_it_ends(layout: Layout) -> None:
    simulated = simulate(FLEET, static)
    split = moment_of(FLEET.polls // 2, FLEET)
    for day, keep in ((DAY - dt.timedelta(days=1), False), (DAY, True)):
        directory = layout.sightings("test", day)
        directory.mkdir(parents=True)
        for name, table in (("f0", simulated.sightings), ("f0.polls", simulated.polls)):
            times = table["fetched_at"].to_pylist()
            rows = [(time >= split) == keep for time in times]
            pq.write_table(table.filter(rows), directory / f"{name}.parquet")
    later = [poll for poll, *_ in simulated.ends if poll >= FLEET.polls // 2]
    assert derive.fn(region("static"), DAY)["moves"] == len(later)
