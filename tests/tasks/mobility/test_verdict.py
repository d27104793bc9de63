"""What the verdict says of feeds that the replay server does not play."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from tasks.mobility.regime import IdRegime, Phase, Regime
from tasks.mobility.sealed import FeedTrips
from tasks.mobility.verdict import Verdict, declared_of
from tasks.schema import POLLS, TRIPS
from tests.tasks.conftest import START, town

QUIET = IdRegime((), False, 11, 10, 1.0, 0, 2, 2, 0, 1, 1, 0)


def polls(*changes: dict[str, Any]) -> pa.Table:
    """Eleven good answers, then more with changes."""
    rows = []
    for minute, change in enumerate([*({} for _ in range(11)), *changes]):
        at = START + dt.timedelta(minutes=minute)
        plain = {"feed": "one", "due_at": at, "fetched_at": at, "outcome": "ok", "last_updated": at}
        counts = {"latency_ms": 9, "bytes": 99, "vehicles": 40, "quarantined": [], "ttl": 60}
        rows.append({**plain, **counts, "version": "2.3", **change})
    return pa.Table.from_pylist(rows, schema=POLLS.arrow())


def verdict(regime: IdRegime = QUIET, table: pa.Table | None = None, **more: Any) -> dict[str, str]:
    lines = Verdict(
        polls=polls() if table is None else table,
        found=FeedTrips(TRIPS.arrow().empty_table(), {}, regime),
        **{
            "skew_s": 4.0,
            "vehicles_in": None,
            "region": town("town"),
            "covered": 0.5,
            "edges": (1.0, 2.0, 3.0, 4.0),
            **more,
        },
    ).lines()
    return dict(line.split(": ", 1) for line in lines)


def regime_of(name: Regime, **more: Any) -> IdRegime:
    return replace(QUIET, phases=(Phase(START, START, name),), **more)


def test_too_few_rides_tell_nothing_yet() -> None:
    said = verdict(regime_of("unknown", moves=2))
    assert said["ids"].startswith("not known yet: 100% of the ids stay from one answer to the next")
    assert "2 moved, 1 left and 1 came, and it takes 10" in said["ids"]
    assert "collect a day that you will not release" in said["ids"]
    assert said["release"].startswith("not known yet: trips if ids turn out to be static")


def test_too_few_answers_tell_nothing_yet() -> None:
    said = verdict(replace(QUIET, steps=2, persistence=float("nan")))
    assert said["ids"].startswith(
        "not known yet: pairs of answers: 2 of the 10 that it takes; collect"
    )


def test_a_feed_that_contradicts_itself_is_not_known_either() -> None:
    said = verdict(regime_of("mixed"))
    assert said["ids"].startswith("not known yet: the day fits no id regime")
    assert declared_of(regime_of("mixed")) is None


def test_all_ids_that_change_by_the_clock_release_nothing() -> None:
    said = verdict(regime_of("periodic", renewals=1))
    assert said["ids"].startswith("periodic: all ids changed together once")
    assert said["release"].startswith("nothing: it changes all its ids together by the clock")


def test_rides_that_are_shown() -> None:
    said = verdict(regime_of("static", moves=60, chained=40, in_ride_visible=True))
    assert said["rides"].startswith("vehicles are shown while they are ridden: 40 of 60 moves")


@pytest.mark.parametrize(
    ("skew", "line"),
    [
        (None, "the feed does not say when it was updated"),
        (4.0, "new in 11 of 11 answers; 4 s behind our clock"),
        (-7200.0, "new in 11 of 11 answers; 7,200 s ahead of our clock, so that"),
    ],
)
def test_the_feeds_clock(skew: float | None, line: str) -> None:
    assert verdict(skew_s=skew)["last_updated"].startswith(line)


def test_failures_and_versions_of_two_kinds() -> None:
    table = polls(
        {"version": "3.0"},
        {"outcome": "http_error", "version": None, "ttl": None, "last_updated": None},
        {"outcome": "not_modified", "version": None, "ttl": None, "last_updated": None},
    )
    said = verdict(table=table, vehicles_in="vehicle_status.json of town.example")
    assert (
        said["version"] == "GBFS 2.3 and 3.0; vehicles are in vehicle_status.json of town.example"
    )
    assert said["answers"] == "1 http_error, 1 not_modified, 12 ok; 1 of 14 polls failed"


def test_a_feed_that_names_neither_version_nor_ttl() -> None:
    table = polls().set_column(11, POLLS.arrow().field("version"), pa.nulls(11, pa.string()))
    table = table.set_column(12, POLLS.arrow().field("ttl"), pa.nulls(11, pa.int32()))
    said = verdict(table=table)
    assert said["version"].startswith(
        "the feed names no GBFS version; the URL brought no discovery file"
    )
    assert said["interval"] == "the feed gives no ttl; poll it every 60 seconds"


def test_defects_are_counted_over_all_answers() -> None:
    flawed = {"quarantined": [("null_island", 2), ("duplicate_id", 1)]}
    said = verdict(table=polls(flawed, flawed))
    assert said["defects"] == (
        "records set aside in 13 answers: 4 null_island (The position is (0, 0), the mark of an "
        "unset one.); 2 duplicate_id (An earlier record of the same poll has this id.)"
    )
