import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.files import FileError, Layout, write_manifest
from tasks.mobility.distance import haversine
from tasks.privacy.errors import CapExceededError, LedgerError, NoLedgerError
from tasks.privacy.ledger import Ledger
from tasks.region import Region
from tasks.schema import TRIPS
from tasks.schema.trips import FLAGS
from tasks.synthesis import sphere
from tasks.synthesis.errors import DaySizeError
from tasks.train import train
from tests.tasks.conftest import town

DAY = dt.date(2026, 5, 20)
ROWS = 700


@pytest.fixture
def region() -> Region:
    return town(
        "demo",
        feeds=[
            {"id": "one", "url": "https://one.example/gbfs.json"},
            {"id": "two", "url": "https://two.example/gbfs.json", "source": "fleet-two"},
        ],
        synthesizer={"levels": 2, "hidden_units": 8, "steps": 60, "reserve_steps": 8},
    )


@pytest.fixture(autouse=True)
def layout(data_root: Path, tasks_alone: None) -> Layout:
    return Layout(data_root)


def write_trips(layout: Layout, rows: int = ROWS, moves: int = 40) -> None:
    """A derived day: trips, and moves that are none."""
    generator = np.random.default_rng(1)
    total = rows + moves
    latitude, longitude = generator.normal(52.4, 0.01, total), generator.normal(10.75, 0.01, total)
    to_latitude, to_longitude = sphere.destination(
        latitude, longitude, generator.uniform(200, 900, total), generator.uniform(0, 6, total)
    )
    is_trip = np.arange(total) < rows
    end = np.datetime64("2026-05-20T10:00:00", "ms") + np.arange(total)
    table = pa.table(
        {
            "feed": ["one"] * total,
            "vehicle_id": [str(index) for index in range(total)],
            "vehicle_type": ["bicycle"] * total,
            "start_time": end - np.timedelta64(600, "s"),
            "end_time": end,
            "hour": generator.integers(0, 24, total).astype(np.int8),
            "origin_latitude": latitude,
            "origin_longitude": longitude,
            "destination_latitude": to_latitude,
            "destination_longitude": to_longitude,
            "distance_m": haversine(latitude, longitude, to_latitude, to_longitude),
            "duration_s": np.full(total, 600.0),
            "area": ["town"] * total,
            **{flag.name: np.zeros(total, bool) for flag in FLAGS},
            "spans_gap": ~is_trip,
            "is_trip": is_trip,
        }
    ).cast(TRIPS.arrow())
    directory = layout.trips("demo", DAY)
    directory.mkdir(parents=True)
    pq.write_table(table, directory / "trips.parquet")
    write_manifest(directory, {"trips": rows, "moves": total}, ["trips.parquet"])


def run(region: Region) -> dict[str, Any]:
    manifest = train(region, DAY)
    assert isinstance(manifest, dict)
    return manifest


def test_a_day_is_trained_once(layout: Layout, region: Region) -> None:
    write_trips(layout)
    manifest = run(region)
    assert manifest["rows"] == ROWS
    assert manifest["privacy"]["epsilon"] == 1.0
    assert run(region) == manifest
    with Ledger(layout.ledger) as ledger:
        (charge,) = ledger.charges()
    assert charge.sources == ("fleet-two", "https://one.example/gbfs.json")
    assert (charge.start, charge.end) == ("2026-05-19T22:00:00Z", "2026-05-20T22:00:00Z")
    assert (charge.region, charge.service_day) == ("demo", "2026-05-20")
    assert (charge.state, charge.steps_started) == ("trained", 60)
    assert (charge.unit, charge.adjacency) == ("trip", "zero_out")
    named = {"key": charge.charge_key, "sources": list(charge.sources)}
    assert manifest["privacy"]["charge"] == named


def test_rule_10_a_second_training_of_the_day_is_refused(layout: Layout, region: Region) -> None:
    write_trips(layout)
    run(region)
    (layout.model("demo", DAY) / "manifest.json").unlink()
    other = region.synthesizer.model_copy(update={"learning_rate": 0.5})
    with pytest.raises(CapExceededError, match="already charged: charge 1"):
        run(region.model_copy(update={"synthesizer": other}))
    renamed = region.model_copy(update={"id": "renamed"})
    layout.trips("demo", DAY).parent.parent.rename(layout.root / "private" / "renamed")
    with pytest.raises(CapExceededError, match="region demo"):
        run(renamed.model_copy(update={"synthesizer": other}))


@pytest.mark.parametrize(("rows", "text"), [(499, "min_per_day"), (10_001, "max_per_day")])
def test_days_outside_the_public_bounds_are_refused_and_charged_nothing(
    layout: Layout, region: Region, rows: int, text: str
) -> None:
    write_trips(layout, rows, moves=0)
    with pytest.raises(DaySizeError, match=text) as caught:
        run(region)
    assert "\n" not in str(caught.value)
    assert not layout.ledger.exists()


def test_a_day_that_is_not_derived_is_refused(region: Region) -> None:
    with pytest.raises(FileError, match="derive the day first"):
        run(region)


def test_altered_trips_are_refused_before_the_charge(layout: Layout, region: Region) -> None:
    write_trips(layout)
    path = layout.trips("demo", DAY) / "trips.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(FileError, match="differs"):
        run(region)
    assert not layout.ledger.exists()


def test_rule_10_nothing_is_trained_without_the_ledger_that_paid_for_a_release(
    layout: Layout, region: Region
) -> None:
    write_trips(layout)
    release = layout.releases(region.id, DAY - dt.timedelta(days=1)) / "r1"
    manifest = {"region": {"id": region.id}, "service_day": "2026-05-19", "revision": 1}
    release.mkdir(parents=True)
    write_manifest(release, {**manifest, "mechanism": {"steps": 60}}, [])
    with pytest.raises(NoLedgerError, match="never begin anew"):
        run(region)
    Ledger(layout.ledger).close()
    with pytest.raises(LedgerError, match="older than what is published"):
        run(region)
    with Ledger(layout.ledger) as ledger:
        assert ledger.charges() == []


def test_importing_the_tasks_loads_no_tensorflow() -> None:
    code = (
        "import sys, tasks.train, tasks.generate;"
        "print([n for n in ('tensorflow', 'dp_accounting', 'great_expectations') "
        "if n in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
