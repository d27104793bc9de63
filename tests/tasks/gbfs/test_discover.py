from pathlib import Path
from typing import Any

import pytest

from tasks.gbfs import WrongShapeError, vehicle_status_url
from tasks.gbfs.document import decode

BASE = "https://example.org/v/gbfs.json"


def feeds(**urls: str) -> dict[str, Any]:
    return {"feeds": [{"name": name, "url": url} for name, url in urls.items()]}


def test_3_0_lists_the_feeds_flat() -> None:
    document = {"data": feeds(vehicle_status="https://a.example/v.json", gbfs="https://a.example")}
    assert vehicle_status_url(document, BASE) == "https://a.example/v.json"


def test_earlier_versions_list_them_by_language_and_english_comes_first() -> None:
    data = {
        "fr": feeds(free_bike_status="https://a.example/fr.json"),
        "en": feeds(free_bike_status="https://a.example/en.json"),
    }
    assert vehicle_status_url({"data": data}, BASE) == "https://a.example/en.json"
    del data["en"]
    assert vehicle_status_url({"data": data}, BASE) == "https://a.example/fr.json"


def test_a_language_without_vehicles_falls_back_to_another() -> None:
    data = {"en": feeds(gbfs="https://a.example"), "nb": feeds(free_bike_status="bikes.json")}
    assert vehicle_status_url({"data": data}, BASE) == "https://example.org/v/bikes.json"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a.example/x", "http://[", "gopher:x"])
def test_only_http_is_followed(url: str) -> None:
    with pytest.raises(WrongShapeError):
        vehicle_status_url({"data": feeds(vehicle_status=url)}, BASE)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"feeds": "vehicle_status"},
        {"feeds": [None, {"name": 1}, {"name": "vehicle_status", "url": 1}, {"url": "x"}]},
        {"en": {"feeds": None}, "de": None},
    ],
)
def test_files_that_name_no_vehicle_feed(data: Any) -> None:
    with pytest.raises(WrongShapeError):
        vehicle_status_url({"data": data}, BASE)


FOUND = {
    "divvy_chicago": "free_bike_status.json",
    "gis_tools_fixtures/v1.1": "free_bike_status.json",
    "gis_tools_fixtures/v2.2": "free_bike_status.json",
    "gis_tools_fixtures/v3.0": "vehicle_status.json",
    "otp_fixtures/duplicate-stations-v2": None,  # stations only
    "otp_fixtures/duplicate-stations-v3": None,
    "otp_fixtures/helsinki": None,
    "otp_fixtures/lillestrombysykkel": None,
    "otp_fixtures/ridecheck/almere": None,  # file: URLs
    "otp_fixtures/tieroslo": None,
    "tier_wolfsburg": "free_bike_status.json",
}


def test_the_real_discovery_files(shared_data: Path) -> None:
    found: dict[str, str | None] = {}
    for path in sorted((shared_data / "gbfs").rglob("gbfs.json")):
        name = path.parent.relative_to(shared_data / "gbfs").as_posix()
        try:
            url = vehicle_status_url(decode(path.read_bytes()), BASE)
            found[name] = url.rsplit("/", 1)[-1]
        except WrongShapeError:
            found[name] = None
    assert found == FOUND
