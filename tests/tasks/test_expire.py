import datetime as dt
import os
from pathlib import Path

import pytest

from tasks import exchange
from tasks.expire import expire
from tasks.files import Layout, read_manifest, write_manifest
from tasks.files.store import Store
from tasks.refusal import note_refusal
from tasks.region import Region
from tests.tasks.conftest import DAY, region_of

pytestmark = pytest.mark.usefixtures("tasks_alone")

ONE = dt.timedelta(days=1)
REGION = region_of("http://a.example/")
OVER = dt.datetime.combine(DAY, dt.time(), dt.UTC) + ONE
OTHER = DAY + 100 * ONE
"""A day that is worked on, far from those that are looked at."""


@pytest.fixture(params=["none", "file", "s3"])
def stores(
    request: pytest.FixtureRequest,
    layout: Layout,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Store | None:
    """The private store; with its kind goes a public one."""
    if request.param == "none":
        return None
    private, public = ((tmp_path / "stores" / name).as_uri() for name in ("private", "public"))
    if request.param == "s3":
        prefix = request.getfixturevalue("s3")
        private = f"s3://opentrips-private/{prefix}?profile=private"
        public = f"s3://opentrips-public/{prefix}?profile=public"
    monkeypatch.setenv("OPENTRIPS_PRIVATE_STORE", private)
    monkeypatch.setenv("OPENTRIPS_PUBLIC_STORE", public)
    return Store.at(private)


def finish(directory: Path, *, at: dt.datetime = OVER) -> None:
    directory.mkdir(parents=True)
    (directory / "rows").write_text("rows")
    manifest = write_manifest(directory, {}, ["rows"])
    os.utime(manifest, (at.timestamp(),) * 2)


def derive(day: dt.date = DAY) -> None:
    """A sealed and derived day, here and in the store."""
    for room in (exchange.sightings, exchange.derived):
        finish(room(Layout.from_environment(), REGION, day))
        exchange.keep(room, REGION, day)


def release(layout: Layout, day: dt.date = DAY) -> None:
    finish(exchange.release(layout, REGION, day), at=OVER)


def run(days_later: float, region: Region = REGION, needed: dt.date = OTHER) -> list[dt.date]:
    deleted = expire(region, needed, OVER + days_later * ONE)
    assert isinstance(deleted, list)
    return deleted


def is_raw(layout: Layout, store: Store | None, day: dt.date = DAY) -> set[bool]:
    """Whether the day is there, in every place."""
    here = [room(layout, REGION, day).exists() for room in (exchange.sightings, exchange.derived)]
    if store is not None:
        names = (f"test/{room}/{day}" for room in ("sightings", "trips"))
        here += [store.manifest(name) is not None for name in names]
        here += [
            day.isoformat() in store.folders(f"test/{room}") for room in ("sightings", "trips")
        ]
    return set(here)


def test_a_released_day_goes_after_its_days_and_its_release_stays(
    layout: Layout, stores: Store | None
) -> None:
    derive()
    release(layout)
    finish(layout.model("test", DAY))
    exchange.keep(exchange.model, REGION, DAY)
    assert run(6.9) == []
    assert is_raw(layout, stores) == {True}
    assert run(7) == [DAY]
    assert is_raw(layout, stores) == {False}
    assert exchange.has(exchange.model, REGION, DAY)
    assert exchange.has(exchange.release, REGION, DAY)
    assert run(7) == []


def test_a_day_that_was_never_released_goes_at_the_hard_maximum_and_is_warned_of(
    layout: Layout, stores: Store | None, caplog: pytest.LogCaptureFixture
) -> None:
    derive()
    assert run(22.9) == []
    assert "neither released nor refused" not in caplog.text
    assert run(29.9) == []
    assert f"test: {DAY} was neither released nor refused; its raw data are deleted on" in (
        caplog.text
    )
    assert is_raw(layout, stores) == {True}
    assert run(30) == [DAY]
    assert is_raw(layout, stores) == {False}


def test_a_refused_day_goes_after_its_days_on_a_machine_that_did_not_refuse_it(
    layout: Layout, stores: Store | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    derive()
    with monkeypatch.context() as patch:
        if stores is not None:
            patch.setenv("OPENTRIPS_DATA", str(tmp_path / "elsewhere"))
        note_refusal(REGION, DAY, "too few")
        noted = read_manifest(Layout.from_environment().refusal("test", DAY))
    assert noted is not None
    assert noted["reason"] == "too few"
    late = dt.datetime.fromisoformat(noted["refused_at"]) - OVER
    region = REGION.model_copy(update={"retention_max_days": late.days + 60})
    assert run(late / ONE + 6.9, region) == []
    assert run(late / ONE + 7, region) == [DAY]
    assert is_raw(layout, stores) == {False}


def test_the_day_that_is_worked_on_and_the_one_before_are_left_alone(layout: Layout) -> None:
    for day in (DAY, DAY + ONE, DAY + 2 * ONE):
        derive(day)
    assert run(9999, needed=DAY + ONE) == [DAY + 2 * ONE]


def test_what_another_machine_published_counts(
    layout: Layout, stores: Store | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if stores is None:
        return
    derive()
    with monkeypatch.context() as patch:
        patch.setenv("OPENTRIPS_DATA", str(tmp_path / "elsewhere"))
        release(Layout.from_environment())
        exchange.keep(exchange.release, REGION, DAY)
    now = dt.datetime.now(dt.UTC) - OVER
    region = REGION.model_copy(update={"retention_max_days": now.days + 60})
    assert run(now / ONE + 6.9, region) == []
    assert run(now / ONE + 7.1, region) == [DAY]


def test_a_store_that_is_down_stops_nothing(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, s3: str
) -> None:
    monkeypatch.setenv("OPENTRIPS_PRIVATE_STORE", f"s3://no-such-bucket/{s3}?profile=private")
    assert run(0) == []
    assert "raw data are kept for longer than asked: s3://no-such-bucket/" in caplog.text
