"""What it costs to move ends to roads: time beside that of drawing them, and how far they go.

    python -m tests.benchmarks.snapping_cost
    python -m tests.benchmarks.snapping_cost --rows 1000000

Rows are drawn from a field of the metropolis and moved to a net of streets that bend at every
crossing. Every line has another distance between the streets.
"""

import argparse
import json
import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tasks.cities import metropolis
from tasks.mobility.distance import haversine
from tasks.region import Box, Guarantee
from tasks.region.polygons import KM_PER_DEGREE
from tasks.region.ways import Ways, read_ways
from tasks.synthesis.nearest import Floats, NearestWays
from tasks.synthesis.snapping import snap_tables
from tasks.synthesis.trip_field import Evidence, Field, FieldSettings, make_plan, measure
from tasks.synthesis.trip_field.fit import fit
from tasks.synthesis.trip_field.sampling import sample

GUARANTEE = Guarantee(epsilon=1.0, delta=1e-7)
SIDE = 0.2
"""Side of the service area, degrees."""
TRIPS, STEPS = 27_000, 100
APART_M = (80, 160, 320)
WITHIN_M = 100


@dataclass(frozen=True)
class Cost:
    """What a net of streets cost.

    Attributes:
        segments: Straight pieces of its streets.
        read_s: Seconds to read their file.
        packed_mb: Size of what goes out with a release, MB.
        first_s: Seconds to move all rows, what searches the streets made anew.
        moved: Share of the ends that were moved.
        median_m: Median distance from the places drawn to the nearest street, metres.
    """

    segments: int
    read_s: float
    packed_mb: float
    first_s: float
    moved: float
    median_m: float


def streets(area: Box, apart_m: float) -> list[list[list[float]]]:
    """Lines of a net of streets, each from side to side."""
    generator = np.random.default_rng(3)
    step = apart_m / 1000 / KM_PER_DEGREE
    south, west, north, east = area.edges
    shrink = math.cos(math.radians((south + north) / 2))
    latitude, longitude = np.meshgrid(
        np.arange(south, north, step), np.arange(west, east, step / shrink), indexing="ij"
    )
    latitude = latitude + generator.normal(0, step / 8, latitude.shape)
    longitude = longitude + generator.normal(0, step / 8 / shrink, longitude.shape)
    crossings = np.stack([longitude, latitude], axis=-1).round(6)
    return [*crossings.tolist(), *crossings.transpose(1, 0, 2).tolist()]


def drawn_from(area: Box, trips: int, steps: int) -> Field:
    """A field of a weekday of the metropolis."""
    plan = make_plan((area,), trips, GUARANTEE, FieldSettings(steps=steps))
    return fit(plan, Evidence.of(measure(metropolis.day(area, trips, 1), plan)))


def measure_cost(field: Field, rows: int, apart_m: float) -> Cost:
    """Draw rows and move them to the streets of a file."""
    (area,) = field.lattice.boxes
    table = sample(field, rows, np.random.default_rng(0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "streets.geojson"
        lines = {"type": "MultiLineString", "coordinates": streets(area, apart_m)}
        path.write_text(json.dumps(lines))
        start = time.process_time()
        ways, _ = read_ways(path, (area,), WITHIN_M)
        read = time.process_time()
    snapped = snap_tables((area,), ways, {"trips": table})
    done = time.process_time()
    places = np.stack([table["origin_latitude"], table["origin_longitude"]], axis=1)
    return Cost(
        segments=len(ways.of_area[area.name].segments),
        read_s=read - start,
        packed_mb=len(ways.packed()) / 1e6,
        first_s=done - read,
        moved=snapped.moved / max(snapped.ends, 1),
        median_m=_median_m(ways, area, places),
    )


def _median_m(ways: Ways, area: Box, places: Floats) -> float:
    nearest, _ = NearestWays(ways.of_area[area.name].segments, 1000).of(places)
    return float(np.median(haversine(places[:, 0], places[:, 1], nearest[:, 0], nearest[:, 1])))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--steps", type=int, default=STEPS, help="of the fit")
    parser.add_argument("--apart", type=float, nargs="+", default=APART_M, metavar="M")
    chosen = parser.parse_args(arguments)
    area = metropolis.box(SIDE)
    field = drawn_from(area, TRIPS, chosen.steps)
    sample(field, 1_000, np.random.default_rng(0))  # tables of the field are made once
    start = time.process_time()
    sample(field, chosen.rows, np.random.default_rng(0))
    drew = time.process_time() - start
    print(f"{chosen.rows:,} rows drawn in {drew:.2f} s, {chosen.rows / drew:,.0f} a second")
    for apart_m in chosen.apart:
        cost = measure_cost(field, chosen.rows, apart_m)
        print(
            f"    streets {apart_m:g} m apart, {cost.segments:,} pieces: read in {cost.read_s:.2f} "
            f"s, {cost.packed_mb:.2f} MB in a release; rows moved in {cost.first_s:.2f} s, "
            f"{chosen.rows / (drew + cost.first_s):,.0f} a second with drawing; "
            f"{cost.moved:.1%} of ends moved, half of the places are within {cost.median_m:.0f} m "
            "of a street",
            flush=True,
        )


if __name__ == "__main__":
    main()
