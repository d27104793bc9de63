import csv
import datetime as dt
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import requests
import yaml

from infra.replay import ReplayServer, captured, city_day, trips_day
from tasks.files import Layout
from tasks.journal import Journal, run_shift, seal_day
from tasks.mobility.sealed import trips_of_feed
from tasks.privacy.ledger import Ledger
from tasks.region import Region
from tests.flows.conftest import DAY, REGION, Run

WOLFSBURG: dict[str, Any] = {
    "id": "wolfsburg",
    "name": "Wolfsburg",
    "time_zone": "Europe/Berlin",
    "service_area": [
        {"name": "wolfsburg", "south": 52.30, "west": 10.60, "north": 52.55, "east": 10.95}
    ],
    "feeds": [{**REGION["feeds"][0], "poll_seconds": 300}],
    # What was captured of that day is four hours.
    "capture": {"min_coverage": 0.1},
}


def small_city() -> ReplayServer:
    return ReplayServer(city_day(dt.date.fromisoformat(DAY), vehicles=90, trips=900))


def manifest_of(directory: Path) -> dict[str, Any]:
    return dict(json.loads((directory / "manifest.json").read_bytes()))


def test_a_simulated_day_is_published_once(
    opentrips: Run, write_region: Callable[..., Path], data_root: Path, prefect_server: str
) -> None:
    region = write_region()
    with small_city() as feed:
        run = opentrips("run", region, "--day", DAY, replay=feed.url)
    assert run.returncode == 0, run.stderr
    page = Path(run.stdout.splitlines()[-1])
    assert page == data_root / "releases" / "test" / DAY / "r1" / "index.html"

    private = data_root / "private" / "test"
    trips = manifest_of(private / "trips" / DAY)["trips"]
    public = manifest_of(page.parent)
    rows = pq.read_table(page.parent / "trips.parquet").to_pylist()
    with gzip.open(page.parent / "trips.csv.gz", "rt", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == len(rows)
    assert len(rows) == trips == public["rows"] > 300
    assert (public["guarantee"]["epsilon"], public["guarantee"]["delta"]) == (1.0, 1e-6)
    box = REGION["service_area"][0]
    for row in rows:
        assert row["distance_m"] > 100
        assert 0 <= row["hour"] <= 23
        for end in ("origin", "destination"):
            assert box["south"] <= row[f"{end}_latitude"] <= box["north"]
            assert box["west"] <= row[f"{end}_longitude"] <= box["east"]

    with Ledger(data_root / "private" / "ledger.sqlite", must_exist=True) as ledger:
        (charge,) = ledger.charges()
    assert public["charge"] == {"key": charge.charge_key, "sources": ["test-source"]}
    account = requests.get(f"{prefect_server}/artifacts/ledger-test/latest", timeout=30).json()
    assert charge.charge_key in account["data"]

    archive = page.parents[3]
    assert json.loads((archive / "test" / "latest.json").read_bytes())["service_day"] == DAY
    shown = archive / "trips.parquet" / "region=test" / f"day={DAY}" / "trips.parquet"
    assert shown.samefile(page.parent / "trips.parquet")

    before = {path: path.stat().st_mtime_ns for path in data_root.rglob("*") if path.is_file()}
    again = opentrips("run", region, "--day", DAY)
    assert again.returncode == 0, again.stderr
    assert again.stdout.splitlines() == [f"Test city, {DAY} is published:", str(page)]
    assert before == {p: p.stat().st_mtime_ns for p in data_root.rglob("*") if p.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("version", ["1.1", "2.3", "3.0"])
def test_every_version_of_the_standard_gives_the_same_moves(
    version: str, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = dt.date.fromisoformat(DAY)
    url = f"${{OPENTRIPS_REPLAY}}/{version}/gbfs.json"
    region = Region.model_validate({**REGION, "feeds": [{**REGION["feeds"][0], "url": url}]})
    layout = Layout(data_root)
    with small_city() as server:
        monkeypatch.setenv("OPENTRIPS_REPLAY", server.url)
        journal = layout.journal(region.id, "feed")
        with Journal(journal, region.id, "feed", region.zone) as opened:
            run_shift(region, region.feeds[0], opened, day)
    seal_day(region, day, layout)
    sealed = layout.sightings(region.id, day)
    trips = trips_of_feed(sealed, data_root / "none", region.feeds[0], region).table
    assert trips["is_trip"].to_pylist() == [True] * trips.num_rows
    assert trips.num_rows == 913  # the seeded city, whatever the version


@pytest.mark.slow
def test_the_captured_day_of_wolfsburg(
    shared_data: Path, opentrips: Run, write_region: Callable[..., Path], data_root: Path
) -> None:
    """The 41 captures of one day: every move over 100 m and no other."""
    day = dt.date(2023, 8, 1)
    source = captured(shared_data / "gbfs" / "tier_wolfsburg", day, "Europe/Berlin")
    region = write_region(**WOLFSBURG, trips={})
    with ReplayServer(source) as server:
        run = opentrips("run", region, "--day", day, replay=server.url)
    # The day is refused by a public rule on the public number of trips.
    assert run.returncode == 1
    private = data_root / "private" / "wolfsburg"
    sealed = private / "sightings" / day.isoformat()
    facts = manifest_of(sealed)["feeds"]["feed"]
    assert facts["outcomes"] == {"ended": 1, "ok": 41}
    assert facts["vehicles"] == 859
    trips = manifest_of(private / "trips" / day.isoformat())
    assert trips["moves_over_m"] == {"feed": {"50": 193, "100": 178, "200": 157}}
    assert trips["moves"] == 178
    assert run.stderr.splitlines()[-1].startswith(
        f"opentrips: region wolfsburg, {day}: {trips['trips']} trips are fewer than "
        "trips.min_per_day = 500"
    )
    assert not (data_root / "releases").exists()


@pytest.mark.slow
def test_wolfsburg_is_published_where_its_region_allows_so_small_a_day(
    shared_data: Path, opentrips: Run, write_region: Callable[..., Path], data_root: Path
) -> None:
    day = dt.date(2023, 8, 1)
    source = captured(shared_data / "gbfs" / "tier_wolfsburg", day, "Europe/Berlin")
    region = write_region(**WOLFSBURG, trips={"min_per_day": 100})
    with ReplayServer(source) as server:
        run = opentrips("run", region, "--day", day, replay=server.url)
    assert run.returncode == 0, run.stderr
    release = Path(run.stdout.splitlines()[-1]).parent
    trips = manifest_of(data_root / "private" / "wolfsburg" / "trips" / day.isoformat())["trips"]
    assert manifest_of(release)["rows"] == trips
    assert "coverage" in (release / "README.md").read_text(encoding="utf-8").lower()


METROS = Path(__file__).parents[2] / "deployments" / "tables" / "us-metros.yaml"
TRIPS_HOUR_OFFSET = 4  # hours of the table are UTC, the region's local hours are UTC+4


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_tabled_day_of_27114_trips(shared_data: Path, opentrips: Run, data_root: Path) -> None:
    table = shared_data / "trips" / "uber_scooter_rides_1day.csv"
    check_tabled_day(table, METROS, opentrips, data_root)


@pytest.mark.slow
def test_every_fortieth_vehicle_of_the_tabled_day(
    shared_data: Path, opentrips: Run, data_root: Path, tmp_path: Path
) -> None:
    lines = (shared_data / "trips" / "uber_scooter_rides_1day.csv").read_text().splitlines()
    vehicles = sorted({line.split(",")[1] for line in lines})[::40]
    some = tmp_path / "some.csv"
    some.write_text("\n".join(line for line in lines if line.split(",")[1] in set(vehicles)))
    hardly_fitted = yaml.safe_load(METROS.read_text()) | {
        "synthesizer": {"name": "trip_field", "steps": 10}
    }
    region = tmp_path / "us-metros.yaml"
    region.write_text(yaml.safe_dump(hardly_fitted))
    check_tabled_day(some, region, opentrips, data_root)


def check_tabled_day(table: Path, region: Path, opentrips: Run, data_root: Path) -> None:
    """Replayed, collected and derived, the trips of a table are the trips of the table."""
    from tests.flows.tabled import inside, unmatched

    with ReplayServer(trips_day(table, dt.date.fromisoformat(DAY))) as server:
        run = opentrips("run", region, "--day", DAY, replay=server.url, seconds=840)
    assert run.returncode == 0, run.stderr
    expected = inside(table, region)
    derived = pq.read_table(data_root / "private" / "us-metros" / "trips" / DAY / "trips.parquet")
    derived = derived.filter(derived["is_trip"])
    assert derived.num_rows == len(expected)
    assert unmatched(expected, derived.to_pandas(), TRIPS_HOUR_OFFSET) == 0
    public = manifest_of(Path(run.stdout.splitlines()[-1]).parent)
    assert public["rows"] == len(expected)
    assert public["guarantee"]["epsilon"] == 0.666
    assert public["guarantee"]["delta"] <= 6.53e-7
