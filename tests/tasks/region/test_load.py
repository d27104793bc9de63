import json
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from tasks.region import Guarantee, Region, RegionError, TripEnds, load_region

GOOD = {
    "id": "test",
    "name": "Test",
    "time_zone": "Europe/Berlin",
    "service_area": [{"name": "all", "south": 50, "west": 8, "north": 51, "east": 9}],
    "feeds": [{"id": "f", "url": "http://127.0.0.1/gbfs.json"}],
}


def write(path: Path, **changes: object) -> Path:
    path.write_text(yaml.safe_dump({**GOOD, **changes}), encoding="utf-8")
    return path


def test_a_region_needs_no_more_than_place_and_feed(tmp_path: Path) -> None:
    region = load_region(write(tmp_path / "r.yaml"))
    assert (region.guarantee.epsilon, region.guarantee.delta) == (1.0, 1e-6)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"time_zone": "Europe/Atlantis"}, "unknown time zone 'Europe/Atlantis'"),
        ({"guarantee": {"epsilon": 0}}, "guarantee.epsilon: Input should be greater than 0"),
        ({"guarantee": {"delta": 1e-5}}, "0.01 / trips.max_per_day"),
        ({"guarantee": {"adjacency": "replace_one"}}, "guarantee.adjacency"),
        ({"guarantee": {"unit": "vehicle_day"}}, "vehicle_day needs adjacency add_remove"),
        (
            {"guarantee": {"unit": "vehicle_day", "adjacency": "add_remove"}},
            "vehicle_day needs max_trips_per_vehicle",
        ),
        ({"guarantee": {"max_trips_per_vehicle": 4}}, "remove it, or set unit to vehicle_day"),
        ({"feeds": []}, "feeds"),
        (
            {"feeds": [{"id": "a", "url": "https://a", "source": "s"}, {"id": "b", "url": "s"}]},
            "feeds 'a' and 'b' show one fleet (s)",
        ),
        ({"feeds": GOOD["feeds"] * 2}, "every feed id must be used once"),  # type: ignore[operator]
        ({"id": "../up"}, "id: "),
        ({"id": "tables"}, "id tables: what belongs to no region lies there; take another"),
        ({"name": "a\x1b[2Jb"}, "name: holds the character U+001B, which is obeyed and not shown"),
        ({"name": "a\x00b"}, "name: holds the character U+0000"),
        ({"publisher": "a\u202eb"}, "publisher: holds the character U+202E"),
        ({"licence": "CC0-1.0\nor not"}, "licence: holds the character U+000A"),
        ({"snap": {"file": "a", "credit": "b\u2028"}}, "snap.credit: holds the character U+2028"),
        (
            {"feeds": [{"id": "f", "url": "https://a/\x07"}]},
            "feeds.0.url: holds the character U+0007",
        ),
        (
            {"service_area": [{"name": "x", "south": 51, "west": 8, "north": 50, "east": 9}]},
            "must span at least",
        ),
        (
            {"service_area": [{"name": "x", "south": 50, "west": -180, "north": 51, "east": 180}]},
            "'x' spans 360 degrees, more than 5; make areas of its parts",
        ),
    ],
)
def test_a_mistake_gives_one_line_that_names_it(
    tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(RegionError) as raised:
        load_region(write(tmp_path / "r.yaml", **changes))
    message = str(raised.value)
    assert said in message
    assert "r.yaml" in message
    assert message.isprintable()


def test_a_guarantee_for_vehicles_is_one_frozen_value(tmp_path: Path) -> None:
    chosen = {"unit": "vehicle_day", "adjacency": "add_remove", "max_trips_per_vehicle": 4}
    guarantee = load_region(write(tmp_path / "r.yaml", guarantee=chosen)).guarantee
    assert guarantee.trips_per_unit == 4
    assert guarantee.model_dump() == {**chosen, "epsilon": 1.0, "delta": 1e-6}
    for name in Guarantee.model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(guarantee, name, chosen.get(name, 2.0))


def test_what_a_region_yields_follows_from_how_its_feeds_name_vehicles(tmp_path: Path) -> None:
    def feeds(*regimes: str) -> list[dict[str, str]]:
        return [
            {"id": f"f{i}", "url": f"http://127.0.0.1/{i}/gbfs.json", "id_regime": regime}
            for i, regime in enumerate(regimes)
        ]

    for regimes, yields, maker in (
        (("static", "static"), "trips", "trip_field"),
        (("per_trip", "per_trip"), "ends", "trip_ends"),
        (("per_trip", "static"), "nothing", "trip_ends"),
        (("per_poll",), "nothing", "trip_ends"),
        (("periodic",), "nothing", "trip_ends"),
    ):
        region = load_region(write(tmp_path / "r.yaml", feeds=feeds(*regimes)))
        assert (region.yields, region.maker.name) == (yields, maker)
    fast = {"name": "trip_field", "steps": 7}
    path = write(tmp_path / "r.yaml", feeds=feeds("per_trip"), synthesizer=fast)
    assert load_region(path).maker == TripEnds(steps=7)


def test_a_vehicle_that_cannot_be_followed_is_not_promised_to_be_protected(tmp_path: Path) -> None:
    guarantee = {"unit": "vehicle_day", "adjacency": "add_remove", "max_trips_per_vehicle": 4}
    feed = {"id": "f", "url": "http://127.0.0.1/gbfs.json", "id_regime": "per_trip"}
    path = write(tmp_path / "r.yaml", feeds=[feed], guarantee=guarantee)
    with pytest.raises(RegionError, match=r"followed.*set guarantee\.unit to trip"):
        load_region(path)


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "a: [", "\x00"])
def test_what_is_no_region_gives_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RegionError) as raised:
        load_region(path)
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegionError, match=r"absent\.yaml: cannot read"):
        load_region(tmp_path / "absent.yaml")


def test_a_url_takes_its_variables_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeds = [{"id": "f", "url": "${FEED_HOST}/gbfs.json"}]
    feed = load_region(write(tmp_path / "r.yaml", feeds=feeds)).feeds[0]
    monkeypatch.setenv("FEED_HOST", "http://127.0.0.1:1")
    assert feed.resolved_url() == "http://127.0.0.1:1/gbfs.json"
    assert feed.account == "${FEED_HOST}/gbfs.json"


RING = [[8.0, 50.0], [8.5, 50.0], [8.5, 50.5], [8.0, 50.0]]


def test_a_polygon_file_is_read_into_the_region(tmp_path: Path) -> None:
    (tmp_path / "areas").mkdir()
    document = {"type": "MultiPolygon", "coordinates": [[RING]]}
    (tmp_path / "areas" / "town.geojson").write_text(json.dumps(document))
    area = {"name": "town", "file": "areas/town.geojson"}
    region = load_region(write(tmp_path / "r.yaml", service_area=[area]))
    (box,) = region.service_area
    assert box.polygons == ((tuple(map(tuple, RING)),),)
    assert box.edges == (50.0, 8.0, 50.5, 8.5)
    assert Region.model_validate(region.model_dump(mode="json")) == region  # as a flow gets it


@pytest.mark.parametrize(
    ("area", "said"),
    [
        ({"name": "a", "file": "absent.geojson"}, "absent.geojson: cannot read"),
        ({"name": "a", "file": 7}, "either polygons or, as `file`"),
        ({"name": "a", "file": "a", "polygons": []}, "either polygons or, as `file`"),
        ({"name": "a", "polygons": [[RING[:-1]]]}, "has 3 positions"),
        ({"name": "a", "polygons": [[[*RING[:2], *([RING[2]] * 500)]]]}, "is open"),
        ({"name": "a"}, "service_area.0.south: Field required"),
    ],
)
def test_a_mistake_in_an_area_gives_one_short_line(
    tmp_path: Path, area: dict[str, object], said: str
) -> None:
    with pytest.raises(RegionError) as raised:
        load_region(write(tmp_path / "r.yaml", service_area=[area]))
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 600
