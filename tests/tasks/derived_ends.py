"""A derived day of a feed whose ids change: its unlinked starts and ends, and a region of it."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.files import Layout, write_manifest
from tasks.mobility.ends import count_ends
from tasks.region import Region
from tasks.schema import ENDS
from tests.tasks.derived_day import DAY, region_with

STARTS, ENDINGS, OUTSIDE = 720, 705, 30


def region_of_ends(**changes: Any) -> Region:
    """The region; keyword arguments replace its fields."""
    feeds = [
        {"id": name, "url": f"https://{name}.example/gbfs.json", "id_regime": "per_trip"}
        for name in ("one", "two")
    ]
    synthesizer = {"name": "trip_field", "steps": 10}
    return region_with(**{"feeds": feeds, "synthesizer": synthesizer, **changes})


def ends_of_day() -> pa.Table:
    """Starts and ends around the middle of the town, and some outside of it."""
    generator = np.random.default_rng(1)
    kinds = ["start"] * STARTS + ["end"] * ENDINGS + ["end"] * OUTSIDE
    total = len(kinds)
    inside = np.arange(total) < total - OUTSIDE
    time = np.datetime64("2026-05-20T10:00:00", "ms") + np.arange(total)
    return pa.table(
        {
            "feed": ["one"] * total,
            "kind": kinds,
            "time": time,
            "hour": generator.integers(7, 20, total).astype(np.int8),
            "latitude": np.where(inside, generator.normal(52.4, 0.01, total), 40.0),
            "longitude": generator.normal(10.75, 0.01, total),
            "area": ["town" if each else None for each in inside],
        }
    ).cast(ENDS.arrow())


def write_ends(layout: Layout, table: pa.Table) -> None:
    """Store starts and ends as they are derived."""
    directory = layout.ends("demo", DAY)
    directory.mkdir(parents=True)
    pq.write_table(table, directory / "ends.parquet")
    write_manifest(directory, count_ends(table), ["ends.parquet"])
