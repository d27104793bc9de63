"""The archive as it stands: all revisions, which of them are offered, and what inherits."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from tasks.archive.entry import Entry
from tasks.archive.errors import ArchiveError
from tasks.files.manifest import MANIFEST
from tasks.files.store import Store
from tasks.release.manifest import parse_public_manifest
from tasks.release.withdrawal import WITHDRAWAL, Withdrawal

_REVISION = re.compile(
    r"^(?P<path>(?P<region>[a-z0-9][a-z0-9_-]*)/(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})/r(?P<number>"
    rf"[1-9][0-9]*))/{re.escape(MANIFEST)}$"
)


@dataclass(frozen=True)
class Archive:
    """All that is published.

    Attributes:
        entries: Every revision, by region, day and number.
    """

    entries: tuple[Entry, ...]

    @cached_property
    def newest(self) -> tuple[Entry, ...]:
        """The newest revision of every day, by region and day; it may be withdrawn."""
        days = groupby(self.entries, key=lambda entry: (entry.region, entry.service_day))
        return tuple(list(revisions)[-1] for _, revisions in days)

    @cached_property
    def offered(self) -> tuple[Entry, ...]:
        """Those of `newest` that are not withdrawn."""
        return tuple(entry for entry in self.newest if entry.withdrawn is None)

    @cached_property
    def regions(self) -> dict[str, list[Entry]]:
        """The newest revision of every day, by region."""
        by_region = groupby(self.newest, key=lambda entry: entry.region)
        return {region: list(days) for region, days in by_region}

    def latest(self, region: str) -> Entry | None:
        """The newest revision of the newest day of a region that is offered."""
        days = self.regions.get(region, [])
        return next((entry for entry in reversed(days) if entry.withdrawn is None), None)

    def heirs(self, entry: Entry) -> list[Entry]:
        """The newest revisions of the days whose models go on from what was measured for one."""
        links = {entry.link} - {None}
        found: list[Entry] = []
        waiting = [each for each in self.newest if each.region == entry.region]
        while more := [each for each in waiting if each.parent in links]:
            found += more
            links |= {each.link for each in more}
            waiting = [each for each in waiting if each not in more]
        return sorted(found, key=lambda each: each.service_day)

    @cached_property
    def inherited(self) -> dict[str, list[str]]:
        """For the path of a release the paths of withdrawn days that stand behind it."""
        behind: dict[str, list[str]] = {}
        for entry in self.newest:
            if entry.withdrawn is not None:
                for heir in self.heirs(entry):
                    behind.setdefault(heir.path, []).append(entry.path)
        return behind

    @cached_property
    def errata(self) -> list[Entry]:
        """The revisions that took the place of another, and those withdrawn, newest first."""
        found = [entry for entry in self.entries if entry.revised_at or entry.withdrawn]
        return sorted(found, key=lambda entry: (entry.updated_at, entry.path), reverse=True)


def read_archive(
    store: Store, listing: Iterable[str], known: Mapping[str, Entry] | None = None
) -> Archive:
    """Read what a store has published.

    Args:
        store: The store.
        listing: Names of all its files.
        known: Entries by path that need not be read again: no manifest ever changes, and no
            withdrawal is ever taken back.

    Raises:
        ArchiveError: If a manifest lies where another release belongs.
        ReleaseError: If a manifest or a withdrawal cannot be read.
        StoreError: If the store cannot be read.
    """
    names = set(listing)
    entries = [
        _entry(store, match, f"{match['path']}/{WITHDRAWAL}" in names, known or {})
        for match in map(_REVISION.match, names)
        if match
    ]
    return Archive(
        tuple(sorted(entries, key=lambda each: (each.region, each.service_day, each.revision)))
    )


def _entry(
    store: Store, match: re.Match[str], is_withdrawn: bool, known: Mapping[str, Entry]
) -> Entry:
    path = match["path"]
    entry = known.get(path) or _read_entry(store, match)
    if not is_withdrawn or entry.withdrawn is not None:
        return entry
    where = f"{path}/{WITHDRAWAL}"
    return entry.without_data(Withdrawal.parse(store.read(where) or b"", f"{store.url}: {where}"))


def _read_entry(store: Store, match: re.Match[str]) -> Entry:
    path = match["path"]
    where = f"{store.url}: {path}/{MANIFEST}"
    content = store.read(f"{path}/{MANIFEST}") or b""
    manifest = parse_public_manifest(content, where)
    entry = Entry.of(path, manifest, hashlib.sha256(content).hexdigest())
    lies_at = (match["region"], match["day"], int(match["number"]))
    if (entry.region, entry.service_day.isoformat(), entry.revision) != lies_at:
        raise ArchiveError(
            f"{where}: is the manifest of {entry.region} {entry.service_day} r{entry.revision}; "
            "put it back where it belongs"
        )
    return entry
