"""What a user's night says of feeds that name their vehicles in each of the known ways."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import requests

from infra.replay import ReplayServer, city_day
from tests.flows.conftest import DAY, REGION, Run
from tests.journeys.conftest import EveryNth

EVERY = 5  # minutes between two polls

SENTENCES = {
    "per_poll": "it names its vehicles anew in every answer, so that nothing can be told of any "
    "ride",
    "periodic": "it changes all its ids together by the clock, so that vehicles cannot be "
    "followed, and changed ids are never linked again",
}


def replayed(id_regime: str, vehicles: int = 60) -> ReplayServer:
    day = dt.date.fromisoformat(DAY)
    city = city_day(day, vehicles=vehicles, trips=10 * vehicles, id_regime=id_regime)
    return ReplayServer(EveryNth(city, EVERY))


def declared(write_region: Callable[..., Path], id_regime: str, **changes: Any) -> Path:
    feed = {**REGION["feeds"][0], "poll_seconds": 60 * EVERY, "id_regime": id_regime}
    return write_region(id=id_regime.replace("_", "-"), feeds=[feed], **changes)


def manifest_of(directory: Path) -> dict[str, Any]:
    return dict(json.loads((directory / "manifest.json").read_bytes()))


@pytest.mark.slow
@pytest.mark.parametrize("id_regime", ["per_poll", "periodic"])
def test_a_night_without_trips_ends_well_with_one_sentence(
    id_regime: str,
    opentrips: Run,
    write_region: Callable[..., Path],
    data_root: Path,
    prefect_server: str,
) -> None:
    region = declared(write_region, id_regime)
    name = id_regime.replace("_", "-")
    private = data_root / "private" / name
    table = private / "ends" / DAY / "ends.parquet"
    sentence = (
        f"region {name}, {DAY}: no trips are derived: feed feed: {SENTENCES[id_regime]}; "
        "give the region feeds whose ids are static"
    )
    if id_regime != "per_poll":
        sentence += f"; starts and ends of rides that nothing links are in {table}"
    with replayed(id_regime) as server:
        run = opentrips("run", region, "--day", DAY, replay=server.url)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == sentence
    assert "WARNING" not in run.stderr
    assert state_of(prefect_server, f"release-{name}-{DAY}") == ("COMPLETED", sentence)
    artifact = f"{prefect_server}/artifacts/no-trips-{name}-{DAY}/latest"
    assert requests.get(artifact, timeout=30).json()["data"] == sentence

    stored = manifest_of(table.parent)
    assert stored["id_regime"]["feed"]["measured"] == id_regime
    assert stored["checked"]["ends.parquet"]["quarantined"] == 0
    assert pq.read_metadata(table).num_rows == sum(
        stored[each] for each in ("starts", "ends", "outside")
    )
    assert (stored["ends"] > 100) == (id_regime != "per_poll")
    assert not (private / "trips").exists()
    assert not (data_root / "private" / "ledger.sqlite").exists()
    assert not (data_root / "releases").exists()


@pytest.mark.slow
def test_a_night_of_changing_ids_releases_starts_and_ends(
    opentrips: Run, write_region: Callable[..., Path], data_root: Path
) -> None:
    quick = {"name": "trip_field", "steps": 20}
    region = declared(write_region, "per_trip", synthesizer=quick)
    with replayed("per_trip") as server:
        run = opentrips("run", region, "--day", DAY, replay=server.url)
    assert run.returncode == 0, run.stderr
    assert "WARNING" not in run.stderr
    published = Path(run.stdout.splitlines()[-1]).parent
    manifest = manifest_of(published)
    stored = manifest_of(data_root / "private" / "per-trip" / "ends" / DAY)
    assert stored["id_regime"]["feed"]["measured"] == "per_trip"
    tables = {each: manifest["tables"][each] for each in ("starts", "ends")}
    assert tables == {each: stored[each] for each in tables}
    assert min(tables.values()) > 100
    modelled = manifest["tables"]["modelled_trips"]
    assert 0.8 * min(tables.values()) < modelled <= min(tables.values()) + 1
    assert run.stdout.splitlines()[-2] == (
        f"Published {tables['starts']:,} synthetic starts, {tables['ends']:,} synthetic ends, "
        f"{modelled:,} modelled trips of {DAY}:"
    )
    assert not (data_root / "private" / "per-trip" / "trips").exists()
    for each, rows in manifest["tables"].items():
        assert pq.read_metadata(published / f"{each}.parquet").num_rows == rows

    again = opentrips("release", region, "--day", DAY)
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, str(published / "index.html"))
    assert manifest_of(published) == manifest


@pytest.mark.slow
@pytest.mark.parametrize(
    ("id_regime", "alert"),
    [
        ("static", None),
        ("per_trip", "feed: declared static, measured per_trip: a vehicle gets a new id after "),
        (
            "changing",
            "feed: declared static, measured mixed: the way the feed names vehicles changed during "
            "the day: static from 04:00 UTC, then per_trip from ",
        ),
    ],
)
def test_a_feed_that_is_declared_static_is_released_whatever_is_measured(
    id_regime: str,
    alert: str | None,
    opentrips: Run,
    write_region: Callable[..., Path],
    data_root: Path,
) -> None:
    """The measurement alerts and decides nothing; too few trips is a rule on their number."""
    region = declared(write_region, "static")
    with replayed(id_regime, vehicles=90) as server:
        run = opentrips("run", region, "--day", DAY, replay=server.url)
    derived = manifest_of(data_root / "private" / "static" / "trips" / DAY)
    assert derived["id_regime"]["feed"]["differs"] == (alert is not None)
    told = [line for line in run.stderr.splitlines() if "declared static" in line]
    assert len(told) == (alert is not None), run.stderr
    assert all(alert is not None and alert in line for line in told), told
    if derived["trips"] >= 50:
        assert run.returncode == 0, run.stderr
        assert run.stdout.splitlines()[-1].endswith("index.html")
    else:
        assert run.returncode == 1
        assert "fewer than trips.min_per_day = 50" in run.stderr.splitlines()[-1]
    assert (derived["trips"] >= 50) == (id_regime != "per_trip")


def state_of(api: str, flow_run: str) -> tuple[str, str]:
    """Type and message of the last state of a flow run."""
    query = {"flow_runs": {"name": {"any_": [flow_run]}}, "sort": "START_TIME_DESC", "limit": 1}
    (found,) = requests.post(f"{api}/flow_runs/filter", json=query, timeout=30).json()
    return found["state"]["type"], found["state"]["message"]
