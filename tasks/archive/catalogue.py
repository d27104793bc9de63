"""The catalogue and the list of errata: the archive for machines."""

import json
from typing import Any

from pydantic import ValidationError

from tasks.archive.archive import Archive
from tasks.archive.entry import Entry
from tasks.archive.view import table_folder

CATALOGUE = "catalog.json"
ERRATA = "errata.json"
LATEST = "latest.json"
VERSION = 1


def catalogue(archive: Archive) -> bytes:
    """Every revision with its standing, and the newest of each region, as JSON."""
    newest = {entry.path for entry in archive.newest}
    document = {
        "kind": "archive",
        "schema_version": VERSION,
        "regions": [_region(archive, name, days) for name, days in archive.regions.items()],
        "tables": {
            name: table_folder(name)
            for name in sorted({name for entry in archive.offered for name in entry.tables})
        },
        "releases": [
            entry.model_dump(mode="json")
            | {
                "is_newest": entry.path in newest,
                "inherits_from_withdrawn": archive.inherited.get(entry.path, []),
            }
            for entry in archive.entries
        ],
    }
    return _json(document)


def entries_of(content: bytes | None) -> dict[str, Entry]:
    """The entries of a catalogue, by path; none if it is of another version."""
    try:
        document = json.loads(content or b"{}")
        if document.get("schema_version") != VERSION:
            return {}
        fields = set(Entry.model_fields)
        entries = [
            Entry.model_validate({name: value for name, value in each.items() if name in fields})
            for each in document["releases"]
        ]
    except (ValueError, KeyError, AttributeError, TypeError, ValidationError):
        return {}
    return {entry.path: entry for entry in entries}


def errata(archive: Archive) -> bytes:
    """Every revision of a published day and every withdrawal, newest first, as JSON."""
    return _json({"errata": [_erratum(archive, entry) for entry in archive.errata]})


def latest(archive: Archive) -> dict[str, bytes]:
    """For each region the file that names its newest release, by path."""
    return {
        f"{region}/{LATEST}": _json(_pointer(entry))
        for region in archive.regions
        if (entry := archive.latest(region)) is not None
    }


def _region(archive: Archive, region: str, days: list[Entry]) -> dict[str, Any]:
    newest = archive.latest(region)
    return {
        "id": region,
        "name": days[-1].name,
        "first_day": days[0].service_day.isoformat(),
        "last_day": days[-1].service_day.isoformat(),
        "days": sum(entry.withdrawn is None for entry in days),
        "withdrawn_days": sum(entry.withdrawn is not None for entry in days),
        "latest": newest.path if newest else None,
    }


def _pointer(entry: Entry) -> dict[str, Any]:
    return {
        "region": entry.region,
        "service_day": entry.service_day.isoformat(),
        "revision": entry.revision,
        "path": entry.path,
        "manifest_sha256": entry.manifest_sha256,
    }


def _erratum(archive: Archive, entry: Entry) -> dict[str, Any]:
    kind = "revision" if entry.withdrawn is None else "withdrawal"
    reason = entry.reason if entry.withdrawn is None else entry.withdrawn.reason
    heirs = archive.heirs(entry) if entry.withdrawn and entry in archive.newest else []
    return {
        **_pointer(entry),
        "kind": kind,
        "at": entry.updated,
        "reason": reason,
        "inherited_by": [heir.path for heir in heirs],
    }


def _json(document: Any) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
