"""What goes to the peers and what comes back; the peers themselves where they can be installed."""

import ast
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tasks.cities.gravity import boxes, simulated_day
from tasks.mobility.areas import area_of
from tasks.quality.rows import ends, hours, lengths
from tasks.quality.validity import SHORTEST_M
from tasks.region import Box, Guarantee
from tests.benchmarks.peer_encoding import COLUMNS, Encoding
from tests.benchmarks.peer_environment import (
    PEERS,
    PROGRAM,
    REQUIREMENTS,
    PeerError,
    drawn,
    installed,
)
from tests.benchmarks.peers_run import synthetic_trips
from tests.benchmarks.trip_file import metros
from tests.benchmarks.trip_net_quality import Day, day_of

RAGGED = (
    Box(name="west", south=-0.123, west=179.871, north=0.017, east=179.999),
    Box(name="north", south=59.9012, west=10.7034, north=59.9512, east=10.7934),
)
"""Areas whose edges cut cells, one across the equator."""


def any_codes(encoding: Encoding, rows: int, seed: int) -> NDArray[np.int64]:
    generator = np.random.default_rng(seed)
    return np.column_stack([generator.integers(0, n, rows) for n in encoding.sizes.values()])


@given(st.sampled_from([metros(), RAGGED]), st.integers(0, 2**32))
def test_every_decoded_row_is_valid_and_has_the_codes_it_was_made_of(
    areas: tuple[Box, ...], seed: int
) -> None:
    encoding = Encoding(areas)
    codes = any_codes(encoding, 200, seed)
    trips = encoding.decode(codes, np.random.default_rng(seed))
    south_west, north_east = ends(trips)[:, :2].T, ends(trips)[:, 2:].T
    assert area_of(areas, tuple(south_west), tuple(north_east)).equals(
        trips["area"].combine_chunks()
    )
    assert trips["area"].null_count == 0
    assert (lengths(trips) > SHORTEST_M).all()
    assert ((hours(trips) >= 0) & (hours(trips) < 24)).all()
    again = encoding.encode(trips)
    assert is_subsequence(again, codes)
    twice = encoding.decode(again, np.random.default_rng(seed + 1))
    assert is_subsequence(encoding.encode(twice), again)


def is_subsequence(part: NDArray[np.int64], whole: NDArray[np.int64]) -> bool:
    rest = iter(whole.tolist())
    return all(row in rest for row in part.tolist())


def test_trips_of_a_day_come_back_with_their_codes() -> None:
    areas = boxes(3)
    trips = simulated_day(areas, 2_000, 5)
    encoding = Encoding(areas)
    codes = encoding.encode(trips)
    assert (codes >= 0).all()
    assert (codes < list(encoding.sizes.values())).all()
    decoded = encoding.decode(codes, np.random.default_rng(1))
    assert len(decoded) >= 0.99 * len(trips)
    assert is_subsequence(encoding.encode(decoded), codes)
    moved = np.abs(ends(decoded)[:, 0].mean() - ends(trips)[:, 0].mean())
    assert moved < 0.01


def test_a_place_on_an_edge_belongs_to_the_cell_inside() -> None:
    box = Box(name="town", south=50.0, west=8.0, north=50.1, east=8.1)
    encoding = Encoding((box,))
    assert encoding.sizes["cell"] == 4
    trips = pa.table(
        {
            "area": ["town", "town"],
            "hour": [0, 23],
            "origin_latitude": [50.0, 50.1],
            "origin_longitude": [8.0, 8.1],
            "destination_latitude": [50.1, 50.05],
            "destination_longitude": [8.0, 8.05],
        }
    )
    assert encoding.encode(trips)[:, :3].tolist() == [[0, 0, 0], [3, 24, 23]]


def test_how_many_values_there_are_follows_from_the_area() -> None:
    town = Box(name="town", south=52.3, west=10.6, north=52.5, east=10.9)
    sizes = {"cell": 24, "part": 25, "hour": 24, "distance": 33, "bearing": 16}
    assert Encoding((town,)).sizes == sizes
    assert Encoding((*metros(), town)).sizes["cell"] == Encoding(metros()).sizes["cell"] + 24


def test_codes_outside_the_area_make_no_trip() -> None:
    box = Box(name="town", south=50.0, west=8.0, north=50.02, east=8.02)
    codes = np.array([[0, 24, 0, 3, 0]])  # the fifth row and column of parts: beyond the box
    assert len(Encoding((box,)).decode(codes, np.random.default_rng(1))) == 0


def test_the_peers_are_run_without_anything_of_ours() -> None:
    tree = ast.parse(PROGRAM.read_text(encoding="utf-8"))
    named = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    named += [a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names]
    assert "mbi" in named
    assert not {str(name).split(".")[0] for name in named} & {"tasks", "tests", "flows", "infra"}
    assert all(f'"{peer}":' in PROGRAM.read_text(encoding="utf-8") for peer in PEERS)


def test_requirements_are_pinned_and_name_no_torch() -> None:
    lines = [line for line in REQUIREMENTS.read_text().splitlines() if line and line[0] != "#"]
    assert {"smartnoise-synth==1.0.8", "mbi==1.1.0"} <= set(lines)
    assert all(line.count("==") == 1 for line in lines)
    assert not any("torch" in line for line in lines)


def test_what_cannot_be_installed_is_one_clear_line(tmp_path: Path) -> None:
    requirements = tmp_path / "peer-requirements.txt"
    requirements.write_text("./no-such-package\n")
    with pytest.raises(PeerError, match=r"^the peers of peer-requirements.txt cannot be inst") as e:
        installed(tmp_path / "environment", requirements)
    assert "\n" not in str(e.value)
    assert not (tmp_path / "environment" / "installed.txt").exists()


@pytest.fixture(scope="module")
def python() -> Path:
    """Fails where they cannot be installed: a pin that is wrong must not pass for a network."""
    return installed()


@pytest.fixture(scope="module")
def small_day() -> Day:
    return day_of("small", boxes(1), simulated_day(boxes(1), 2_500, 5))


GUARANTEE = Guarantee(epsilon=4.0, delta=1e-6)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_makes_as_many_trips_as_it_got(python: Path, small_day: Day, peer: str) -> None:
    trips = synthetic_trips(python, peer, small_day, GUARANTEE)
    assert len(trips) == len(small_day.train)
    assert trips["area"].null_count == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_sampler_leaves_columns_apart_that_have_nothing_to_do_with_each_other(
    python: Path,
) -> None:
    generator = np.random.default_rng(3)
    sizes = dict.fromkeys(COLUMNS, 8)
    codes = generator.integers(0, 8, (4_000, len(sizes)))
    synthetic = drawn(python, "private-pgm", codes, sizes, Guarantee(epsilon=8.0, delta=1e-6))
    assert len(synthetic) == 2 * len(codes)
    assert np.abs(np.corrcoef(synthetic[:4_000].T) - np.eye(len(sizes))).max() < 0.2


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_peer_that_fails_says_why(python: Path) -> None:
    with pytest.raises(PeerError, match=r"^smartnoise-mst failed: "):
        drawn(python, "smartnoise-mst", np.full((5, 1), 9), {"cell": 3}, GUARANTEE)
