from collections.abc import Sequence

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.mobility.areas import square_degrees
from tasks.region import Box
from tasks.region.polygons import Polygon
from tasks.service_area import AreaError
from tasks.service_area.outline import MOST_POSITIONS, Plane, areas_of, parted, shape_of
from tests.tasks.service_area.conftest import square
from tests.tasks.synthesis.boxes import any_holed_area


def disc(column: float, row: float, radius: float) -> shapely.MultiPolygon:
    centre = shapely.Point(8 + column * 0.01, 50 + row * 0.01)
    return shapely.MultiPolygon([centre.buffer(radius * 0.01)])


def positions(polygons: Sequence[Polygon]) -> int:
    return sum(len(ring) for rings in polygons for ring in rings)


def test_parts_far_from_each_other_are_areas_of_their_own() -> None:
    near = shapely.union_all([disc(0, 0, 1), disc(6, 0, 1)])  # 2.9 km between them
    cities = parted(shapely.MultiPolygon([*near.geoms, *disc(60, 0, 2).geoms]))
    assert [len(city.geoms) for city in cities] == [1, 2]
    assert parted(shapely.MultiPolygon()) == []


def test_names_become_names_of_areas() -> None:
    shapes = [
        ("Sankt Pölten!", disc(0, 0, 3)),
        ("sankt polten", disc(30, 0, 3)),
        ("", disc(0, 9, 3)),
    ]
    areas = areas_of(shapes, ["as told"], "somewhere")
    assert [box.name for box in areas.boxes] == ["sankt-polten", "sankt-polten-2", "area"]
    assert areas.notes == ("as told",)


def test_what_is_too_small_is_left_out_and_counted() -> None:
    areas = areas_of([("a", disc(0, 0, 3)), ("b", disc(9, 9, 0.3))], [], "somewhere")
    assert [box.name for box in areas.boxes] == ["a"]
    assert areas.notes == ("left out as too small: 1",)
    with pytest.raises(AreaError, match=r"^somewhere: no part of it is an area of 0.1 square"):
        areas_of([("b", disc(9, 9, 0.3)), ("c", shapely.MultiPolygon())], [], "somewhere")


def test_a_small_part_of_a_huge_box_is_refused() -> None:
    two = shapely.MultiPolygon([*disc(0, 0, 0.5).geoms, *disc(400, 400, 0.5).geoms])
    with pytest.raises(AreaError, match="somewhere: service area 'a': its polygons cover"):
        areas_of([("a", two)], [], "somewhere")


def test_an_outline_of_many_positions_is_simplified_within_a_tolerance() -> None:
    turn = np.linspace(0, 2 * np.pi, 5000)
    rough = 0.05 + 0.0004 * np.sin(200 * turn)
    ring = list(zip(8 + rough * np.cos(turn), 50 + rough * np.sin(turn), strict=True))
    shape = shape_of(((tuple(ring),),))
    areas = areas_of([("a", shape)], [], "somewhere")
    (box,) = areas.boxes
    assert positions(box.polygons) <= MOST_POSITIONS
    (note,) = areas.notes
    tolerance = float(note.removeprefix("outlines simplified to ").removesuffix(" m"))
    plane = Plane.around(shape)
    drawn = plane.metres(shapely.MultiPolygon([shapely.Polygon(*box.polygons[0])]))
    assert shapely.hausdorff_distance(drawn, plane.metres(shape)) < 2 * tolerance + 2


@settings(max_examples=20)
@given(area=any_holed_area(), specks=st.integers(0, 120), seed=st.integers(0, 99))
def test_whatever_the_shape_its_areas_pass_the_model(area: object, specks: int, seed: int) -> None:

    assert isinstance(area, Box)
    generator = np.random.default_rng(seed)
    places = generator.uniform([area.west, area.south], [area.east, area.north], (specks, 2))
    holes = shapely.buffer(shapely.points(places), 0.0005)
    shape = shapely.difference(shape_of(area.polygons), shapely.union_all(holes))
    shape = shapely.MultiPolygon([shape] if shape.geom_type == "Polygon" else list(shape.geoms))
    areas = areas_of([("a", shape)], [], "somewhere")
    assert positions(areas.boxes[0].polygons) <= MOST_POSITIONS
    assert square_degrees(areas.boxes[0]) > 0.5 * shape.area


def test_published_polygons_are_mended_and_empty_ones_left_out() -> None:
    ring = tuple((x, y) for x, y in square(0, 0))
    assert shape_of(((ring, ring[:2]), (), (ring[:2],))).area == pytest.approx(1e-4)
    assert shape_of(()).is_empty


def test_a_hole_adds_nothing_wherever_it_lies() -> None:
    town, beside, around = (
        tuple((x, y) for x, y in square(*at)) for at in ((0, 0, 4), (9, 0, 2), (-1, -1, 6))
    )
    assert shape_of(((town, beside),)).equals(shapely.Polygon(town))
    assert shape_of(((town, around),)).is_empty


def test_many_parts_far_from_each_other_get_as_coarse_an_outline_as_it_takes() -> None:
    corners = [(8 + 0.12 * (i % 20), 50 + 0.12 * (i // 20)) for i in range(400)]
    shape = shapely.MultiPolygon([shapely.box(x, y, x + 0.03, y + 0.03) for x, y in corners])
    areas = areas_of([("a", shape)], [], "somewhere")
    assert positions(areas.boxes[0].polygons) <= MOST_POSITIONS
    (note,) = areas.notes
    tolerance = float(note.removeprefix("outlines simplified to ").removesuffix(" m"))
    assert tolerance > 1000
    drawn = shapely.MultiPolygon([shapely.Polygon(*rings) for rings in areas.boxes[0].polygons])
    plane = Plane.around(shape)
    assert plane.metres(drawn).within(shapely.buffer(plane.metres(shape), 2 * tolerance))


def test_thousands_of_names_in_other_letters_are_told_apart() -> None:
    shapes = [("\u6771\u4eac", shapely.MultiPolygon([shapely.box(8, 50, 8.02, 50.02)]))] * 1000
    names = [box.name for box in areas_of(shapes, [], "somewhere").boxes]
    assert (names[0], names[1], names[-1]) == ("area", "area-2", "area-1000")
    assert len(set(names)) == len(names)


GRID = st.tuples(st.sampled_from([8.0, 8.01, 8.05]), st.sampled_from([50.0, 50.02, 50.05]))
RINGS = st.lists(GRID, max_size=7).map(lambda ring: (*ring, *ring[:1]))


@settings(max_examples=150)
@given(st.lists(st.lists(RINGS, max_size=3).map(tuple), max_size=3))
def test_whatever_rings_do_there_is_a_shape(polygons: list[Polygon]) -> None:
    """Spikes, flat rings, outlines and holes that share edges or run over them twice."""
    shape = shape_of(polygons)
    assert shape.is_valid
    outlines = [
        shapely.convex_hull(shapely.multipoints(list(p[0]))) for p in polygons if p and p[0]
    ]
    assert shape.area <= sum(outline.area for outline in outlines) * (1 + 1e-9)
