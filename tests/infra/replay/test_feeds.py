import datetime as dt
import json
from typing import Any

import pytest

from infra.replay.day import ServiceDay
from infra.replay.feeds import VERSIONS, TimelineFeed, discovery
from infra.replay.timeline import Stand, build_timeline

DAY = ServiceDay(dt.date(2026, 5, 20), "Europe/Berlin")
IDS = ["plain", 'quo"te', "Ünïcode\\"]


@pytest.fixture(scope="module")
def feed() -> TimelineFeed:
    stands = [Stand(0, 0, 1439, 52.1, -0.00001), Stand(1, 0, 9, -33.0, 151.0), Stand(2, 5, 9, 0, 0)]
    return TimelineFeed(build_timeline(IDS, stands, 0), DAY, "system", "Näme")


def read(feed: TimelineFeed, version: str, poll: int) -> Any:
    return json.loads(feed.vehicle_status(version, poll))


@pytest.mark.parametrize("version", VERSIONS)
def test_all_versions_show_the_same_sightings(feed: TimelineFeed, version: str) -> None:
    document = read(feed, version, 7)
    vehicles = document["data"]["vehicles" if version == "3.0" else "bikes"]
    key = "vehicle_id" if version == "3.0" else "bike_id"
    seen = feed.timeline.seen(7)
    assert [vehicle[key] for vehicle in vehicles] == IDS
    assert [round(vehicle["lat"] * 1e6) for vehicle in vehicles] == seen.latitude_e6.tolist()
    assert [round(vehicle["lon"] * 1e6) for vehicle in vehicles] == seen.longitude_e6.tolist()
    assert document["version"] == version
    assert set(document) == {"last_updated", "ttl", "version", "data"}


def test_1_1_has_numbers_for_flags_and_no_vehicle_types(feed: TimelineFeed) -> None:
    vehicle = read(feed, "1.1", 0)["data"]["bikes"][0]
    assert set(vehicle) == {"bike_id", "lat", "lon", "is_reserved", "is_disabled"}
    assert vehicle["is_reserved"] == 0
    assert not isinstance(vehicle["is_reserved"], bool)
    assert set(feed.documents("1.1", 0)) == {"system_information"}


@pytest.mark.parametrize(("version", "name"), [("2.3", "bikes"), ("3.0", "vehicles")])
def test_later_versions_have_flags_type_and_range(
    feed: TimelineFeed, version: str, name: str
) -> None:
    vehicle = read(feed, version, 0)["data"][name][0]
    assert vehicle["is_reserved"] is False
    assert vehicle["is_disabled"] is False
    types = json.loads(feed.documents(version, 0)["vehicle_types"])["data"]["vehicle_types"]
    assert vehicle["vehicle_type_id"] == types[0]["vehicle_type_id"]
    assert 0 <= vehicle["current_range_meters"] <= types[0]["max_range_meters"]


def test_last_updated_is_the_virtual_time(feed: TimelineFeed) -> None:
    assert read(feed, "2.3", 90)["last_updated"] == DAY.start + 5400
    assert read(feed, "3.0", 90)["last_updated"] == "2026-05-19T23:30:00+00:00"
    assert feed.time(feed.polls) == DAY.end - 1


def test_system_information_names_the_time_zone(feed: TimelineFeed) -> None:
    for version in VERSIONS:
        data = json.loads(feed.documents(version, 0)["system_information"])["data"]
        assert data["timezone"] == "Europe/Berlin"
    assert data["name"] == [{"text": "Näme", "language": "en"}]


def test_discovery_by_version() -> None:
    urls = {"system_information": "http://x/1", "free_bike_status": "http://x/2"}
    feeds = [{"name": name, "url": url} for name, url in urls.items()]
    assert json.loads(discovery("2.3", 0, urls))["data"] == {"en": {"feeds": feeds}}
    assert json.loads(discovery("3.0", 0, urls))["data"] == {"feeds": feeds}


def test_tags_differ_by_poll_version_day_and_fleet(feed: TimelineFeed) -> None:
    tomorrow = ServiceDay(dt.date(2026, 5, 21), "Europe/Berlin")
    other_fleet = build_timeline(["a"], [Stand(0, 0, 1, 0, 0)], 0)
    tags = {
        feed.tag("2.3", 0),
        feed.tag("2.3", 1),
        feed.tag("3.0", 0),
        TimelineFeed(feed.timeline, tomorrow, "system", "Näme").tag("2.3", 0),
        TimelineFeed(other_fleet, DAY, "system", "Näme").tag("2.3", 0),
    }
    assert len(tags) == 5


@pytest.mark.parametrize("version", VERSIONS)
def test_a_poll_that_sees_no_vehicle(version: str) -> None:
    feed = TimelineFeed(build_timeline([], [], 0), DAY, "system", "name")
    (vehicles,) = read(feed, version, 0)["data"].values()
    assert vehicles == []
