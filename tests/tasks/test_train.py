import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tasks.files import FileError, Layout, write_manifest
from tasks.privacy.errors import CapExceededError, LedgerError, NoLedgerError
from tasks.privacy.ledger import Ledger
from tasks.region import Region
from tasks.synthesis.errors import DaySizeError, DeviceError
from tasks.train import train
from tests.tasks.derived_day import DAY, ROWS, region_with, write_trips


@pytest.fixture
def region() -> Region:
    return region_with()


@pytest.fixture(autouse=True)
def layout(data_root: Path, tasks_alone: None) -> Layout:
    return Layout(data_root)


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


def test_a_required_gpu_that_is_missing_is_refused_before_a_charge(
    layout: Layout, region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda kind: [])
    write_trips(layout)
    with pytest.raises(DeviceError, match="requires a GPU"):
        run(region.model_copy(update={"gpu": "required"}))
    assert not layout.ledger.exists()
