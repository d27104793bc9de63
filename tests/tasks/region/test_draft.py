from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tasks.region import Feed, Guarantee, Region, load_region
from tasks.region.draft import draft_of
from tasks.region.identifier import identifier_of

AREA: dict[str, Any] = {"name": "town", "south": 50, "west": 8, "north": 51, "east": 9}
BLOCK = "# from a map\nservice_area:\n  - {name: town, south: 50, west: 8, north: 51, east: 9}\n"


def region_of(
    name: str = "Town", url: str = "https://town.example/gbfs.json", **more: Any
) -> Region:
    feed = Feed(id="bikes", url=url, **more.pop("feed", {}))
    return Region.model_validate(
        {"id": "town", "name": name, "time_zone": "Etc/UTC", "service_area": [AREA]}
        | {"feeds": [feed.model_dump()]}
        | more
    )


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=50))
def test_what_is_read_back_is_what_was_drafted(text: str) -> None:
    region = region_of(text, f"https://town.example/{text}?key=${{TOWN_KEY}}")
    read = Region.model_validate(yaml.safe_load(draft_of(region, BLOCK, ["a note"], {})))
    assert read == region


@pytest.mark.parametrize("name", ["no", "7", "1e3", "a: b # c", "- x", "'", '"', "{", "São Paulo"])
def test_names_that_yaml_would_take_for_something_else_stay_names(
    name: str, tmp_path: Path
) -> None:
    region = region_of(name)
    path = tmp_path / "town.yaml"
    path.write_text(draft_of(region, BLOCK, [], {"name": "so it is called"}), encoding="utf-8")
    assert load_region(path) == region
    assert "  # so it is called\n" in path.read_text(encoding="utf-8")


def test_a_clock_and_a_guarantee_that_are_not_the_default_are_kept() -> None:
    guarantee = Guarantee(unit="vehicle_day", adjacency="add_remove", max_trips_per_vehicle=4)
    feed = {"clock": "feed", "poll_seconds": 300, "id_regime": "static"}
    region = region_of(
        url="http://127.0.0.1:8000/gbfs.json", feed=feed, guarantee=guarantee.model_dump()
    )
    text = draft_of(region, BLOCK, ["one", "two"], {"poll_seconds": "its ttl"})
    assert text.startswith("# one\n# two\nid: town\n")
    assert "    poll_seconds: 300  # its ttl\n" in text
    assert "epsilon: 1.0, delta: 1.0e-06}\n" in text
    assert Region.model_validate(yaml.safe_load(text)) == region


@given(st.text())
def test_an_id_is_one_or_nothing(name: str) -> None:
    made = identifier_of(name)
    assert not made or Feed(id=made, url="https://town.example").id == made
