from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.gbfs import WrongShapeError, vehicle_status_url
from tasks.gbfs.discover import entry_url, vehicle_types_url
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


def test_vehicle_types_are_named_or_not() -> None:
    flat = feeds(vehicle_status="/v.json", vehicle_types="types.json")
    assert vehicle_types_url({"data": flat}, BASE) == "https://example.org/v/types.json"
    assert vehicle_types_url({"data": {"nb": flat}}, BASE) == "https://example.org/v/types.json"
    assert vehicle_types_url({"data": feeds(vehicle_status="/v.json")}, BASE) is None
    assert vehicle_types_url({"data": feeds(vehicle_types="file:///etc/passwd")}, BASE) is None


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


def versions(*names: str) -> list[dict[str, Any]]:
    return [{"version": name, "url": f"/{name}/gbfs.json"} for name in names]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("1.1", "2.3", "3.0"), "3.0"),
        (("3.0", "2.3"), "3.0"),
        (("2.3", "2.10"), "2.10"),
        (("2.3", "3.1-RC2"), "2.3"),
        (("3.1-RC", "3.1-RC2"), "3.1-RC2"),
        (("latest", "1.0"), "1.0"),
        (("latest",), "latest"),
    ],
)
def test_of_several_versions_the_highest_final_one_is_taken(
    names: tuple[str, ...], expected: str
) -> None:
    document = {"data": {"versions": versions(*names)}}
    assert entry_url(document, BASE) == f"https://example.org/{expected}/gbfs.json"


def test_a_manifest_leads_to_the_system_that_is_named() -> None:
    datasets = [{"system_id": name, "versions": versions(f"{name}/3.0")} for name in ("a", "b")]
    document = {"data": {"datasets": datasets}}
    assert entry_url(document, BASE, "b") == "https://example.org/b/3.0/gbfs.json"
    for system in (None, "c"):
        with pytest.raises(WrongShapeError, match="name one of them"):
            entry_url(document, BASE, system)
    del datasets[1]
    assert entry_url(document, BASE) == "https://example.org/a/3.0/gbfs.json"


def test_the_preferred_language_comes_before_english() -> None:
    data = {
        name: feeds(free_bike_status=f"https://a.example/{name}") for name in ("fr", "en", "nl")
    }
    assert vehicle_status_url({"data": data}, BASE, "nl") == "https://a.example/nl"
    assert vehicle_status_url({"data": data}, BASE, "de") == "https://a.example/en"


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("http://["),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["data", "versions", "datasets", "version", "url", "feeds", "name"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(["data", "versions", "feeds"]), ANY_JSON))
def test_any_file_gives_an_http_url_or_our_exception(document: dict[str, Any]) -> None:
    for find in (entry_url, vehicle_status_url):
        with suppress(WrongShapeError):
            url = find(document, BASE)
            assert url is None or url.startswith(("http://", "https://"))


def test_the_real_lists_of_versions_lead_on(shared_data: Path) -> None:
    found = {}
    for path in sorted((shared_data / "gbfs").rglob("*.json")):
        if path.name in ("gbfs_versions.json", "manifest.json"):
            with suppress(WrongShapeError):
                url = entry_url(decode(path.read_bytes()), BASE)
                found[path.relative_to(shared_data / "gbfs").as_posix()] = url is not None
    print(found)
    assert len(found) >= 4
    assert all(found.values())
