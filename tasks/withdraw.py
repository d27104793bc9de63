"""Withdraw: a published day is no longer offered, and says why."""

import datetime as dt
import hashlib

from tasks.address import public_address
from tasks.archive.archive import Archive, read_archive
from tasks.archive.entry import Entry
from tasks.archive.errors import ArchiveError
from tasks.archive.publishing import publish_archive
from tasks.archive.withdrawing import withdraw_release
from tasks.catalogue import archives
from tasks.files.manifest import MANIFEST
from tasks.files.store import Store
from tasks.region import Region
from tasks.region.one_line import plain
from tasks.release.withdrawal import Heir, Withdrawal


def withdraw(
    region: Region, day: dt.date, reason: str, now: dt.datetime | None = None
) -> list[str]:
    """Withdraw every revision of a day, here and in the public store.

    Page, card and manifest stay, with the reason in front; the data files are removed, and so is
    the day from the Parquet view. Another revision may follow. Again, it finishes what was cut off.

    Args:
        region: The region.
        day: A published day.
        reason: Why, for people; it is published.
        now: The present, UTC. Default: now.

    Returns:
        What was done, line by line.

    Raises:
        ArchiveError: If the day is not published, or no reason is given.
        StoreError: If a store cannot be used.
    """
    reason, at = plain(reason), now or dt.datetime.now(dt.UTC)
    if not reason:
        raise ArchiveError("a withdrawal needs a reason; it is published, so write it for readers")
    address, stores = public_address(), archives()[::-1]  # what is published first, a copy last
    standing: dict[str, Withdrawal] = {}
    for store in stores:
        archive = read_archive(store, store.listing())
        for entry in archive.entries:
            if (entry.region, entry.service_day) == (region.id, day):
                note = standing.get(entry.path) or _note(store, archive, entry, reason, at)
                standing[entry.path] = withdraw_release(store, entry.path, note)
        publish_archive(store, address)
    if not standing:
        raise ArchiveError(f"{region.id} {day} is not published; there is nothing to withdraw")
    return [
        f"Withdrawn: {path} since {note.at:%Y-%m-%d %H:%M} UTC: {note.said()}"
        for path, note in sorted(standing.items())
    ]


def _note(store: Store, archive: Archive, entry: Entry, reason: str, at: dt.datetime) -> Withdrawal:
    manifest = store.read(f"{entry.path}/{MANIFEST}") or b""
    heirs = archive.heirs(entry)
    return Withdrawal(
        region=entry.region,
        service_day=entry.service_day,
        revision=entry.revision,
        manifest_sha256=hashlib.sha256(manifest).hexdigest(),
        reason=reason,
        at=at,
        inherited_by=tuple(
            Heir(service_day=heir.service_day, revision=heir.revision) for heir in heirs
        ),
    )
