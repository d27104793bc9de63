"""What steps on different machines hand each other: finished directories, through the stores.

Without stores everything lies in one tree on one machine, and nothing here does anything.
"""

import datetime as dt
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tasks.archive.withdrawing import withdraw_release
from tasks.files import Layout, read_manifest, write_atomically
from tasks.files.manifest import MANIFEST
from tasks.files.store import Store, StoreError
from tasks.region import Region
from tasks.release.card import CARD
from tasks.release.listing import PAGE
from tasks.release.revisions import revisions, withdrawal_of
from tasks.release.withdrawal import WITHDRAWAL, Withdrawal

PRIVATE_STORE = "OPENTRIPS_PRIVATE_STORE"
PUBLIC_STORE = "OPENTRIPS_PUBLIC_STORE"
"""Environment variables with the URLs of the two stores; see `tasks.files.store.Store.at`."""

Room = Callable[[Layout, Region, dt.date], Path]
"""Where a step reads or writes: a directory of one region and day."""


def sightings(layout: Layout, region: Region, day: dt.date) -> Path:
    """The sealed day."""
    return layout.sightings(region.id, day)


def sightings_before(layout: Layout, region: Region, day: dt.date) -> Path:
    """The sealed day before, in which vehicles were seen last."""
    return layout.sightings(region.id, day - dt.timedelta(days=1))


def derived(layout: Layout, region: Region, day: dt.date) -> Path:
    """The day's trips, or its starts and ends."""
    return layout.derived(region.id, day, region.yields).parent


def model(layout: Layout, region: Region, day: dt.date) -> Path:
    """The day's model."""
    return layout.model(region.id, day)


def release(layout: Layout, region: Region, day: dt.date) -> Path:
    """The day's first revision, which is there if any is; those after it travel with it."""
    return layout.releases(region.id, day) / "r1"


def refusal(layout: Layout, region: Region, day: dt.date) -> Path:
    """Why the day was refused, if it was."""
    return layout.refusal(region.id, day)


def has(room: Room, region: Region, day: dt.date) -> bool:
    """Whether a directory is finished, here or in its store.

    Raises:
        StoreError: If the store cannot be read.
    """
    directory = room(Layout.from_environment(), region, day)
    if (directory / MANIFEST).exists():
        return True
    store, name = _place(Layout.from_environment(), directory)
    return store is not None and store.manifest(name) is not None


def refusal_of(region: Region, day: dt.date) -> dict[str, Any] | None:
    """The newest note that a day was refused, here or in the store.

    Raises:
        StoreError: If the store cannot be read.
    """
    fetch([refusal], region, day)
    return read_manifest(refusal(Layout.from_environment(), region, day))


def fetch(rooms: Iterable[Room], region: Region, day: dt.date) -> None:
    """Bring what a step reads from the stores; what a store does not have stays as it is here.

    Raises:
        StoreError: If a store cannot be read.
    """
    layout = Layout.from_environment()
    for room in rooms:
        directory = room(layout, region, day)
        store, name = _place(layout, directory)
        if store is None:
            continue
        if directory.is_relative_to(layout.all_releases):
            _fetch_revisions(store, layout, directory.parent)
        else:
            store.fetch(name, directory)


def keep(room: Room, region: Region, day: dt.date) -> None:
    """Store what a step has finished.

    A revision of a release is published: the first of its number stays, and takes the place of one
    made here too late.

    Raises:
        StoreError: If the store cannot be written.
    """
    layout = Layout.from_environment()
    directory = room(layout, region, day)
    store, name = _place(layout, directory)
    if store is None or read_manifest(directory) is None:
        return
    if not directory.is_relative_to(layout.all_releases):
        store.keep(name, directory)
        return
    for revision in revisions(directory.parent):
        name = _place(layout, revision)[1]
        if withdrawal_of(revision) is None and not store.publish(name, revision):
            _fetch_revisions(store, layout, directory.parent)


def _fetch_revisions(store: Store, layout: Layout, releases: Path) -> None:
    """Bring the revisions of a day; what is withdrawn in the store is withdrawn here."""
    here = Store.at(layout.all_releases.as_uri())
    folder = releases.relative_to(layout.all_releases).as_posix()
    for name in store.names(folder):
        if (content := store.read(f"{name}/{WITHDRAWAL}")) is None:
            store.fetch(name, layout.all_releases / name)
            continue
        withdrawal = Withdrawal.parse(content, f"{store.url}: {name}/{WITHDRAWAL}")
        for file in (PAGE, CARD, MANIFEST):
            kept = store.read(f"{name}/{file}")
            if kept is not None and here.read(f"{name}/{file}") != kept:
                here.write(f"{name}/{file}", kept)
        withdraw_release(here, name, withdrawal)


def fetch_models(region: Region) -> None:
    """Bring the models of all days of a region that are not here: what a chain goes on from.

    Raises:
        StoreError: If the store cannot be read.
    """
    layout = Layout.from_environment()
    models = layout.model(region.id, dt.date.min).parent
    store, folder = _place(layout, models)
    for name in store.names(folder) if store is not None else ():
        directory = models / name.rpartition("/")[2]
        if store is not None and read_manifest(directory) is None:
            store.fetch(name, directory)


def stored_raw_days(region: Region) -> dict[dt.date, dt.datetime]:
    """The days with raw data in the private store, and when the newest was stored (UTC).

    Raises:
        StoreError: If the store cannot be read.
    """
    found: dict[dt.date, dt.datetime] = {}
    if (store := private_store()) is None:
        return found
    for folder in _raw_folders(region):
        for name, moment in store.folders(folder).items():
            with suppress(ValueError):  # of a name that is no day
                day = dt.date.fromisoformat(name)
                found[day] = max(moment, found.get(day, moment))
    return found


def remove_raw(region: Region, day: dt.date) -> None:
    """Remove a day's raw data from the private store, if there is one.

    Raises:
        StoreError: If the store refuses.
    """
    if (store := private_store()) is not None:
        for folder in _raw_folders(region):
            store.remove(f"{folder}/{day.isoformat()}")


def _raw_folders(region: Region) -> list[str]:
    """Names in the private store of what has a directory of raw data for each day."""
    layout, any_day = Layout.from_environment(), dt.date.min
    rooms = (layout.sightings, layout.trips, layout.ends)
    return [_place(layout, room(region.id, any_day).parent)[1] for room in rooms]


def published(layout: Layout) -> list[Path]:
    """Folders of releases with at least the manifest of every one that was published.

    Raises:
        StoreError: If the store cannot be read.
    """
    store = public_store()
    if store is None:
        return [layout.all_releases]
    for name in store.names(""):
        path = layout.published_elsewhere / name / MANIFEST
        if not path.exists() and (content := store.manifest(name)) is not None:
            write_atomically(path, content)
    return [layout.all_releases, layout.published_elsewhere]


def private_store() -> Store | None:
    """The store of private data, if there is one.

    Raises:
        StoreError: If its URL is none, or the stores are one.
    """
    return _stores()[0]


def public_store() -> Store | None:
    """The store of what is published, if there is one.

    Raises:
        StoreError: If its URL is none, or the stores are one.
    """
    return _stores()[1]


def _stores() -> tuple[Store | None, Store | None]:
    urls = os.environ.get(PRIVATE_STORE), os.environ.get(PUBLIC_STORE)
    private, public = (Store.at(url) if url else None for url in urls)
    if private is not None and public is not None and _overlap(private, public):
        raise StoreError(
            f"{PUBLIC_STORE} and {PRIVATE_STORE} must not lie within each other: what is private "
            "would be published; name another folder or bucket"
        )
    return private, public


def _overlap(one: Store, other: Store) -> bool:
    roots = Path("/", one.root), Path("/", other.root)
    inside = roots[0].is_relative_to(roots[1]) or roots[1].is_relative_to(roots[0])
    return one.url.partition(":")[0] == other.url.partition(":")[0] and inside


def _place(layout: Layout, directory: Path) -> tuple[Store | None, str]:
    """The store of a directory and its name in it."""
    private, public = _stores()
    if directory.is_relative_to(layout.all_releases):
        return public, directory.relative_to(layout.all_releases).as_posix()
    return private, directory.relative_to(layout.root / "private").as_posix()
