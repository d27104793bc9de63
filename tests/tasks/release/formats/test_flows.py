"""Places and flows, as viewers of flow maps read them."""

import csv
import math
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.release.formats.flows import flow_tables
from tasks.release.tables import write_csv
from tasks.schema import RELEASE


def trip(*ends: float) -> dict[str, object]:
    return dict(zip(RELEASE.names, ["north", 8, *ends, 500.0], strict=True))


def test_trips_are_counted_between_cells() -> None:
    trips = [
        trip(52.410000, 10.450000, 52.419999, 10.459999),
        trip(52.414, 10.4599, 52.411, 10.450001),
        trip(-0.000001, -0.01, 0.0, 0.009999),
    ]
    locations, flows = flow_tables(pa.Table.from_pylist(trips, RELEASE.arrow()))
    assert flows.to_pylist() == [
        {"origin": "0.01S_0.01W", "dest": "0.00N_0.00E", "count": 1},
        {"origin": "52.41N_10.45E", "dest": "52.41N_10.45E", "count": 2},
    ]
    assert locations.to_pylist() == [
        {"id": "0.01S_0.01W", "name": "0.005 S, 0.005 W", "lat": -0.005, "lon": -0.005},
        {"id": "0.00N_0.00E", "name": "0.005 N, 0.005 E", "lat": 0.005, "lon": 0.005},
        {"id": "52.41N_10.45E", "name": "52.415 N, 10.455 E", "lat": 52.415, "lon": 10.455},
    ]


@given(
    st.lists(
        st.tuples(*[st.integers(-84_999_999, 84_999_999)] * 4).map(
            lambda micro: [value / 1_000_000 for value in micro]
        ),
        min_size=1,
        max_size=20,
    )
)
def test_every_end_lies_in_its_place_and_every_trip_counts_once(ends: list[list[float]]) -> None:
    table = pa.Table.from_pylist([trip(*each) for each in ends], RELEASE.arrow())
    locations, flows = flow_tables(table)
    assert sum(flows["count"].to_pylist()) == len(ends)
    ids = locations["id"].to_pylist()
    assert len(set(ids)) == len(ids)
    assert {*flows["origin"].to_pylist(), *flows["dest"].to_pylist()} == set(ids)
    centres = list(zip(locations["lat"].to_pylist(), locations["lon"].to_pylist(), strict=True))
    for each in ends:
        for place in (each[:2], each[2:]):
            cell = [math.floor(round(value * 1e6) / 1e4) for value in place]
            assert cell in [[math.floor(c * 100) for c in centre] for centre in centres]


def test_a_viewer_reads_the_files_as_they_are(release: Path, kind: str) -> None:
    with (release / "locations.csv").open(encoding="utf-8", newline="") as file:
        locations = list(csv.DictReader(file))
    with (release / "flows.csv").open(encoding="utf-8", newline="") as file:
        flows = list(csv.DictReader(file))
    assert list(locations[0]) == ["id", "name", "lat", "lon"]
    assert list(flows[0]) == ["origin", "dest", "count"]
    places = {each["id"]: (float(each["lat"]), float(each["lon"])) for each in locations}
    trips = pd.read_parquet(release / f"{'trips' if kind == 'trips' else 'modelled_trips'}.parquet")
    assert sum(int(flow["count"]) for flow in flows) == len(trips)
    south, west = (trips[f"origin_{axis}"].min() for axis in ("latitude", "longitude"))
    for flow in flows:
        for end in ("origin", "dest"):
            latitude, longitude = places[flow[end]]
            assert south - 0.01 < latitude < south + 0.2
            assert west - 0.01 < longitude < west + 0.2
            assert not flow[end].startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize("degrees", [0.57, 1.13, 52.29, 16.1, -33.87])
def test_a_position_on_an_edge_lies_north_and_east_of_it(degrees: float, tmp_path: Path) -> None:
    """0.57 times 100 is less than 57 in binary."""
    rows = pa.Table.from_pylist([trip(degrees, 0.0, degrees, 0.0)], RELEASE.arrow())
    _, flows = flow_tables(rows)
    write_csv(flows, tmp_path / "flows.csv")
    side = "S" if degrees < 0 else "N"
    assert flows["origin"].to_pylist() == [f"{abs(degrees):.2f}{side}_0.00E"]
