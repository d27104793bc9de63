"""Feeds that name their vehicles in every way, from HTTP to what a night says of them."""

import datetime as dt
import json
import logging
from typing import Any

import pyarrow.parquet as pq
import pytest

import tasks.derive
from infra.replay import ReplayServer, city_day
from tasks.files import Layout
from tasks.mobility.regime import IdRegime, measure_regime
from tasks.mobility.runs import RunsOfDay
from tasks.mobility.sealed import RowGroups
from tasks.region import Region
from tests.journeys.conftest import (
    DAY,
    EveryNth,
    collect_whole_day,
    region_of,
    seen_while_ridden,
)

EVERY = 5  # minutes between two polls


@pytest.fixture(autouse=True)
def _plain_logger(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """The task is called without a flow's run, so it has no run's logger."""
    caplog.set_level(logging.INFO, logger="derive")
    monkeypatch.setattr(tasks.derive, "get_run_logger", lambda: logging.getLogger("derive"))


def collected(layout: Layout, played: str, declared: str) -> Region:
    """Replay a city with one id regime to a region that declares one, and seal the day."""
    city = city_day(DAY, vehicles=70, trips=700, id_regime=played)
    with ReplayServer(EveryNth(city, EVERY)) as server:
        feed = {"poll_seconds": 60 * EVERY, "id_regime": declared}
        region = region_of({"feed": f"{server.url}/2.3/gbfs.json"}, of_each_feed=feed)
        collect_whole_day(region, layout)
    return region


def measured(region: Region, layout: Layout) -> IdRegime:
    sealed = layout.sightings(region.id, DAY)
    polls = pq.read_table(sealed / "feed.polls.parquet")
    return measure_regime(RunsOfDay.of(RowGroups(sealed / "feed.parquet"), polls))


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line.getMessage() for line in caplog.records if line.levelno >= logging.WARNING]


def test_ids_that_stay_give_trips(layout: Layout, caplog: pytest.LogCaptureFixture) -> None:
    region = collected(layout, "static", "static")
    found = measured(region, layout)
    assert found.regime == "static", found.sentence
    manifest = tasks.derive.derive.fn(region, DAY)
    assert manifest["trips"] > 300
    assert not warnings(caplog)


@pytest.mark.parametrize("regime", ["per_trip", "per_poll", "periodic"])
def test_other_regimes_are_recognised_and_give_ends_or_one_sentence(
    layout: Layout, caplog: pytest.LogCaptureFixture, tasks_alone: None, regime: str
) -> None:
    region = collected(layout, regime, regime)
    found = measured(region, layout)
    assert found.regime == regime, found.sentence
    if regime == "periodic":
        assert found.period_s == 1800
    manifest = tasks.derive.derive(region, DAY)
    sentence = {
        "per_poll": "it names its vehicles anew in every answer",
        "periodic": "it changes all its ids together by the clock",
    }
    assert ("no_trips" in manifest) == (regime in sentence)
    assert sentence.get(regime, "") in manifest.get("no_trips", "")
    assert not layout.trips(region.id, DAY).exists()
    assert not warnings(caplog)
    ends = pq.read_table(layout.ends(region.id, DAY) / "ends.parquet").to_pylist()
    assert bool(ends) == (regime != "per_poll")
    assert not any("vehicle_id" in row for row in ends)


@pytest.mark.slow
def test_rides_that_are_seen_are_recognised_and_marked(
    layout: Layout, caplog: pytest.LogCaptureFixture
) -> None:
    """Vehicles stay in the feed while they are ridden, so that one ride is several moves."""
    city = city_day(DAY, vehicles=70, trips=700)
    rides = len(city.timeline.first) - 70
    riding = seen_while_ridden(city)
    with ReplayServer(riding) as server:
        region = region_of({"feed": f"{server.url}/2.3/gbfs.json"})
        collect_whole_day(region, layout)
    manifest = tasks.derive.derive.fn(region, DAY)
    assert manifest["moves"] > 2 * rides
    regime = manifest["id_regime"]["feed"]
    assert (regime["measured"], regime["differs"]) == ("static", False)
    assert regime["evidence"]["in_ride_visible"]
    regime_warning, unit_warning = warnings(caplog)
    assert "vehicles stay in the feed while they are ridden" in regime_warning
    assert "choose the unit vehicle_day" in unit_warning


def test_a_feed_that_changes_at_noon_is_found_out(
    layout: Layout, caplog: pytest.LogCaptureFixture
) -> None:
    region = collected(layout, "changing", "static")
    found = measured(region, layout)
    assert [phase.regime for phase in found.phases] == ["static", "per_trip"], found.sentence
    noon = dt.datetime.combine(DAY, dt.time(12), region.zone)
    assert abs(found.phases[1].start - noon) < dt.timedelta(minutes=45)
    tasks.derive.derive.fn(region, DAY)
    (warning,) = warnings(caplog)
    assert "declared static, measured mixed" in warning
    told: dict[str, Any] = json.loads((layout.trips(region.id, DAY) / "manifest.json").read_bytes())
    assert told["id_regime"]["feed"]["differs"]
