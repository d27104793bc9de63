"""Days that were really released: trips by counts and by a network, and starts and ends."""

import datetime as dt
import os
import shutil
from pathlib import Path
from typing import Any

from tasks.check import check_release
from tasks.files import Layout
from tasks.generate import generate
from tasks.publish import publish
from tasks.region import Region
from tasks.train import train
from tests.tasks.archive.forging import manifest_of, reseal
from tests.tasks.derived_day import DAY, region_with, write_sealed, write_trips
from tests.tasks.derived_ends import ends_of_day, region_of_ends, write_ends

NEXT = DAY + dt.timedelta(days=1)
TRIPS = {DAY: 700, NEXT: 720}
"""How many there are on each day."""


def region_of_trips() -> Region:
    """A small town whose trips are counted."""
    return region_with(synthesizer={"name": "trip_field", "steps": 10})


def release_trips(layout: Layout) -> list[Path]:
    """Two days of trips, of which the second goes on from the first."""
    return [_release(layout, region_of_trips(), day, rows) for day, rows in TRIPS.items()]


def release_net(layout: Layout) -> Path:
    """A day of trips from a network that was trained for ten steps."""
    synthesizer = {"name": "trip_net", "levels": 2, "hidden_units": 8, "steps": 10}
    return _release(layout, region_with(synthesizer=synthesizer), DAY, TRIPS[DAY])


def release_ends(layout: Layout) -> Path:
    """A day of starts and ends."""
    write_ends(layout, ends_of_day())
    write_sealed(layout)
    return _night(layout, region_of_ends(), DAY)


def _release(layout: Layout, region: Region, day: dt.date, rows: int) -> Path:
    """As if the day had been collected."""
    write_sealed(layout)
    write_trips(layout, rows)
    for room in (layout.sightings, layout.trips):
        if day != DAY:
            shutil.move(room(region.id, DAY), room(region.id, day))
    released = _night(layout, region, day)
    for room in (layout.sightings, layout.trips):
        shutil.rmtree(room(region.id, day))  # their time has come
    return released


def _night(layout: Layout, region: Region, day: dt.date) -> Path:
    train(region, day)
    generate(region, day)
    check_release(region, day)
    return Path(publish(region, day)["page"]).parent


def plant(layout: Layout, region: str, day: dt.date, **fields: Any) -> Path:
    """Put a copy of a release under another region and day, with other fields in its manifest.

    Only its manifest says so, not its rows.
    """
    folder = layout.releases(region, day)
    staged = folder.with_name(f".{day}.staged-test-{os.getpid()}")
    shutil.copytree(layout.releases("demo", DAY) / "r1", staged)
    place = manifest_of(staged)["region"] | {"id": region, "name": region.title()}
    reseal(staged, region=place, service_day=day.isoformat(), **fields)
    folder.mkdir(parents=True, exist_ok=True)
    return staged.rename(folder / f"r{fields.get('revision', 1)}")
