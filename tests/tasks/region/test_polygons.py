from typing import Any

import pytest
from pydantic import ValidationError

from tasks.region import Box

OUTLINE = [[8.0, 50.0], [8.1, 50.0], [8.1, 50.1], [8.0, 50.1], [8.0, 50.0]]
HOLE = [[8.02, 50.02], [8.05, 50.02], [8.05, 50.05], [8.02, 50.02]]
BOX = {"south": 50.0, "west": 8.0, "north": 50.1, "east": 8.1}


def moved(ring: list[list[float]], east: float, north: float) -> list[list[float]]:
    return [[round(x + east, 6), round(y + north, 6)] for x, y in ring]


def test_the_edges_of_a_box_follow_from_its_polygons() -> None:
    area = Box.model_validate({"name": "a", "polygons": [[OUTLINE, HOLE]]})
    assert area.edges == (50.0, 8.0, 50.1, 8.1)
    wider = Box.model_validate({"name": "a", "north": 50.2, "polygons": [[OUTLINE, HOLE]]})
    assert wider.edges == (50.0, 8.0, 50.2, 8.1)


def test_an_area_stays_itself_on_its_way_through_json() -> None:
    area = Box.model_validate({"name": "a", "polygons": [[OUTLINE, HOLE], [moved(OUTLINE, 1, 0)]]})
    assert Box.model_validate_json(area.model_dump_json()) == area
    assert Box.model_validate(area.model_dump(mode="json")) == area
    assert hash(area) == hash(area.model_copy())


@pytest.mark.parametrize(
    ("polygons", "said"),
    [
        ([[OUTLINE[:-1]]], "ring 1 of polygon 1 is open: it begins at [8.0, 50.0] and ends at"),
        ([[OUTLINE], [OUTLINE[:3]]], "ring 1 of polygon 2 has 3 positions"),
        ([[]], "polygon 1 is empty"),
        ([[OUTLINE, []]], "ring 2 of polygon 1 has 0 positions"),
        ([[[OUTLINE[i] for i in (0, 2, 1, 3, 0)]]], "cross themselves or each other"),
        ([[OUTLINE, moved(HOLE, 0.06, 0)]], "ring 2 of polygon 1 leaves the box at [8.11"),
        ([[OUTLINE, HOLE, moved(HOLE, 0.01, 0)]], "cross themselves or each other"),
        ([[OUTLINE], [HOLE]], "cross themselves or each other"),
        ([[moved(OUTLINE, 0.5, 0)]], "leaves the box at [8.5, 50.0]"),
        ([[[position[::-1] for position in OUTLINE]]], "latitude and longitude exchanged"),
        ([[moved(OUTLINE, 0, 40)]], "latitude and longitude exchanged, or is off the map"),
        ([[[[8, 50], [8.1, 50], [8.1, 50.0001], [8, 50]]]], "its polygons cover 0.039"),
    ],
)
def test_a_wrong_polygon_gives_one_line(polygons: Any, said: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Box.model_validate({"name": "a", **BOX, "polygons": polygons})
    (fault,) = raised.value.errors()
    assert said in fault["msg"]
    assert fault["msg"].startswith("Value error, service area 'a': ")
    assert "\n" not in fault["msg"]


@pytest.mark.parametrize(
    "polygons",
    [7, "ring", [7], [[7]], [[[7]]], [[[[1]]]], [[[["a", "b"]]]], [[[[1, 2, 3]]]], [[[[1, None]]]]],
)
def test_what_are_no_polygons_is_refused(polygons: Any) -> None:
    with pytest.raises(ValidationError):
        Box.model_validate({"name": "a", "polygons": polygons})


def test_a_position_is_a_number() -> None:
    ring = [*OUTLINE[:2], [8.1, float("nan")], *OUTLINE[3:]]
    with pytest.raises(ValidationError, match="finite number"):
        Box.model_validate({"name": "a", **BOX, "polygons": [[ring]]})


def test_there_are_only_so_many_positions() -> None:
    ring = [[8 + i / 100_000, 50.0] for i in range(10_001)] + OUTLINE[2:]
    with pytest.raises(ValidationError, match="10,004 positions; simplify them to 10,000"):
        Box.model_validate({"name": "a", "polygons": [[ring]]})
