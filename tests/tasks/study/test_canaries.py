from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.comparison import GridLaw, StudyError, UniformLaw
from tasks.study.canaries import draw_canaries
from tasks.tables import PublicTable
from tasks.tables.lines import from_lines, read_line
from tests.tasks.study.conftest import SMALL

TRIPS = PublicTable.model_validate(
    {
        "name": "trips",
        "columns": [
            {"kind": "integer", "name": "hour", "minimum": 0, "maximum": 23},
            {
                "kind": "text",
                "name": "vehicle",
                "alphabet": "AB 1",
                "min_length": 3,
                "max_length": 6,
            },
            *(
                {
                    "kind": "decimal",
                    "name": f"{end}_{axis}",
                    "minimum": -most,
                    "maximum": most,
                    "places": 6,
                }
                for end in ("origin", "destination")
                for axis, most in (("latitude", 90), ("longitude", 180))
            ),
            {"kind": "date", "name": "day", "minimum": "2020-02-01", "maximum": "2020-03-01"},
        ],
    }
)

NARROW = {"kind": "integer", "name": "hour", "minimum": 3, "maximum": 4}


def areas() -> st.SearchStrategy[GridLaw]:
    def law(south: float, west: float, height: float, width: float, nodes: int) -> GridLaw:
        return GridLaw(south=south, west=west, north=south + height, east=west + width, nodes=nodes)

    size = st.floats(0.01, 5)
    return st.builds(law, st.floats(-80, 75), st.floats(-179, 174), size, size, st.integers(2, 60))


@given(areas(), st.integers(0, 1000))
def test_canaries_of_any_area_are_rows_near_neighbouring_nodes(law: GridLaw, seed: int) -> None:
    lines = draw_canaries(law, TRIPS, 8, {*()}, np.random.default_rng(seed))
    rows = from_lines(lines, TRIPS)
    assert rows.num_rows == len(set(lines)) == 8
    step = (law.north - law.south) / (law.nodes - 1)
    moved = law.noise_m / 111_000
    north = rows["destination_latitude"].to_numpy() - rows["origin_latitude"].to_numpy()
    assert np.all(np.abs(north - step) <= 2 * moved)
    origins = rows["origin_latitude"].to_numpy()
    nodes = (origins - law.south) / step
    assert np.all(np.abs(nodes - np.round(nodes)) * step <= moved + 1e-6)
    assert origins.max() <= law.north - step + moved
    longitudes = rows["destination_longitude"].to_numpy()
    sideways = moved / np.cos(np.radians(max(abs(law.south), abs(law.north))))
    assert np.all((longitudes >= law.west - sideways) & (longitudes <= law.east + sideways))


@given(st.integers(0, 1000))
def test_canaries_of_any_table_are_rows_of_it_and_none_that_is_taken(seed: int) -> None:
    table = PublicTable.model_validate(SMALL["table"])
    generator = np.random.default_rng(seed)
    taken = {*draw_canaries(UniformLaw(), table, 50, (), generator)}
    drawn = draw_canaries(UniformLaw(), table, 50, taken, generator)
    assert not taken & {*drawn}
    assert all(read_line(line, table) for line in drawn)


def test_every_value_of_the_schema_is_equally_likely() -> None:
    table = PublicTable.model_validate(SMALL["table"])
    drawn = draw_canaries(UniformLaw(), table, 4000, (), np.random.default_rng(1))
    rows = from_lines(drawn, table)
    for name, values in (("area", 4), ("hour", 24), ("weight", 100)):
        _, counts = np.unique(rows[name].to_numpy(), return_counts=True)
        assert len(counts) == values
        expected = 4000 / values
        # chi-squared, far below its 0.001 quantile: drawing without repetition evens counts out
        assert ((counts - expected) ** 2 / expected).sum() < 1.5 * values


def test_a_column_may_be_drawn_more_narrowly() -> None:
    table = PublicTable.model_validate(SMALL["table"])
    law = UniformLaw.model_validate({"columns": [NARROW]})
    rows = from_lines(draw_canaries(law, table, 200, (), np.random.default_rng(1)), table)
    assert {*rows["hour"].to_pylist()} == {3, 4}
    assert len({*rows["weight"].to_pylist()}) > 50


@pytest.mark.parametrize(
    ("law", "number", "said"),
    [
        (
            UniformLaw.model_validate({"columns": [{**NARROW, "minimum": 24, "maximum": 24}]}),
            1,
            "column 'hour' draws values that the table small does not allow; narrow it",
        ),
        (UniformLaw(), 4 * 24 * 100 + 1, "take fewer canaries and candidates"),
        (
            GridLaw(
                south=0, west=0, north=1, east=1, origin=("hour", "area"), destination=("hour",) * 2
            ),
            1,
            "column 'area' holds no decimal numbers, so no latitude or longitude",
        ),
    ],
)
def test_what_a_law_cannot_give_is_said(law: Any, number: int, said: str) -> None:
    table = PublicTable.model_validate(SMALL["table"])
    generator = np.random.default_rng(1)
    with pytest.raises(StudyError, match=said):
        draw_canaries(law, table, number, (), generator)
