"""The chain of measured days, on models that are measured but hardly fitted."""

import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from tasks.files import FileError, write_manifest
from tasks.region import Box, Guarantee
from tasks.synthesis.chain import LINK, Link, take_up
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.trip_field import (
    FieldSettings,
    Measurements,
    State,
    advanced,
    load_measurements,
    load_state,
    make_plan,
    measure,
    save_measurements,
    save_state,
)
from tasks.synthesis.trip_field.state import STATE

MakeTrips = Callable[[int, int], pa.Table]
BOX = Box(name="north-town", south=52.3, west=10.6, north=52.5, east=10.9)
FIRST = dt.date(2026, 5, 20)


def day(number: int) -> dt.date:
    return FIRST + dt.timedelta(days=number)


@pytest.fixture
def measured(make_trips: MakeTrips) -> Callable[..., Measurements]:
    def run(box: Box = BOX) -> Measurements:
        plan = make_plan((box,), 600, Guarantee(), FieldSettings(steps=1))
        return measure(make_trips(600, 1), plan)

    return run


@pytest.fixture
def begin(tmp_path: Path, measured: Callable[..., Measurements]) -> Callable[..., Path]:
    """Measures a day and links it."""

    def run(number: int, box: Box = BOX) -> Path:
        directory = tmp_path / day(number).isoformat()
        directory.mkdir(exist_ok=True)
        measurements = measured(box)
        save_measurements(directory, measurements)
        take(directory, number, measurements)
        return directory

    return run


def take(directory: Path, number: int, measurements: Measurements) -> State | None:
    _, before = take_up(directory, day(number), measurements.plan.lattice, STATE, load_state)
    _, state = advanced(before, measurements, day(number))
    save_state(directory, state)
    return before


def finish(directory: Path) -> Link:
    write_manifest(directory, {}, ["state.npz", "state.json", LINK])
    return link(directory)


def link(directory: Path) -> Link:
    found = Link.read(directory)
    assert found is not None
    return found


def test_each_day_goes_on_from_the_last_that_was_finished(begin: Callable[..., Path]) -> None:
    first = finish(begin(0))
    assert (first.days, first.parent, first.parent_day) == (1, None, None)
    second = finish(begin(1))
    assert (second.days, second.parent, second.parent_day) == (2, first.sha256, day(0))
    begin(2)  # not finished
    third = finish(begin(3))
    assert (third.days, third.parent) == (3, second.sha256)


def test_a_day_filled_in_later_enters_where_it_is_made(begin: Callable[..., Path]) -> None:
    last = [finish(begin(number)) for number in (1, 2)][-1]
    late = finish(begin(0))
    assert (late.day, late.parent, late.days) == (day(0), last.sha256, 3)
    after = finish(begin(3))
    assert (after.parent, after.parent_day) == (late.sha256, day(0))


def test_a_link_stays_as_it_was_chosen(begin: Callable[..., Path]) -> None:
    finish(begin(0))
    directory = begin(2)
    chosen = link(directory)
    finish(begin(1))  # would be the newest by now
    before = take(directory, 2, load_measurements(directory))
    assert link(directory) == chosen
    assert before is not None
    assert before.day == day(0)


def test_another_measurement_gets_another_link(begin: Callable[..., Path]) -> None:
    first = link(begin(0))
    again = link(begin(0))
    assert first.measured != again.measured
    assert first.sha256 != again.sha256


def test_another_service_area_begins_a_chain_of_its_own(begin: Callable[..., Path]) -> None:
    for number in range(2):
        finish(begin(number))
    other = Box(name="south-town", south=-0.05, west=-78.6, north=0.03, east=-78.3)
    first, second = (finish(begin(number, other)) for number in (2, 3))
    assert (first.days, second.days) == (1, 2)
    assert second.parent == first.sha256
    assert finish(begin(4)).parent_day == day(1)


def test_of_two_days_that_are_made_side_by_side_one_goes_on(begin: Callable[..., Path]) -> None:
    finish(begin(0))
    directories = begin(1), begin(2)
    one, other = (finish(directory) for directory in directories)
    assert one.parent == other.parent
    third = finish(begin(3))
    assert (third.parent, third.days) == (other.sha256, 3)


def test_an_altered_day_before_is_refused(begin: Callable[..., Path]) -> None:
    directory = begin(0)
    finish(directory)
    (directory / "state.npz").write_bytes(b"")
    with pytest.raises(FileError, match="differs"):
        begin(1)


def test_a_day_before_that_was_exchanged_is_refused(
    begin: Callable[..., Path], tmp_path: Path
) -> None:
    finish(begin(0))
    directory = begin(1)
    shutil.rmtree(tmp_path / day(0).isoformat())
    finish(begin(0))
    with pytest.raises(ModelFileError, match="not the model that") as caught:
        take(directory, 1, load_measurements(directory))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "{}", json.dumps({"day": "2026-05-20", "days": 0})])
def test_what_is_no_link_gets_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / LINK).write_text(content)
    with pytest.raises(ModelFileError, match="restore it") as caught:
        Link.read(tmp_path)
    assert "\n" not in str(caught.value)
