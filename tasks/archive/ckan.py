"""The regions of the archive as datasets of a CKAN catalogue, whose resources lead to the archive.

Nothing is uploaded: each dataset is written in one action, and says what the archive says.
"""

from typing import Any

from tasks.archive.archive import Archive
from tasks.archive.catalogue import CATALOGUE
from tasks.archive.entry import Entry
from tasks.archive.errors import ArchiveError
from tasks.schema.rows_said import rows_said

PREFIX = "opentrips-"


def mirror_to_ckan(
    archive: Archive, address: str, ckan: str, organization: str, key: str | None
) -> list[str]:
    """Make one dataset of each region, and bring those up to date that there are.

    Args:
        archive: The archive.
        address: Where it is served, without a slash at its end.
        ckan: Address of the CKAN site.
        organization: Name of the organization that owns the datasets; it exists.
        key: API token of a member who may edit them.

    Returns:
        What was done, line by line.

    Raises:
        ArchiveError: If the client is not installed, or the site refuses or does not answer.
    """
    try:
        import requests
        from ckanapi import CKANAPIError, NotFound, RemoteCKAN
    except ImportError as error:
        raise ArchiveError("CKAN needs more packages: install opentrips[hubs]") from error
    said = []
    try:
        with RemoteCKAN(ckan, apikey=key) as site:
            for region, days in archive.regions.items():
                due = dataset(archive, region, days[-1].name, address, organization)
                try:
                    there = site.action.package_show(id=due["name"])
                except NotFound:
                    site.action.package_create(**due)
                    said.append(f"{due['name']}: made")
                    continue
                if _is_up_to_date(there, due):
                    said.append(f"{due['name']}: is up to date")
                else:
                    site.action.package_update(id=there["id"], **due)
                    said.append(f"{due['name']}: brought up to date")
    except (CKANAPIError, requests.RequestException) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ArchiveError(f"{ckan}: the catalogue refuses: {reason}") from error
    return said


def dataset(
    archive: Archive, region: str, name: str, address: str, organization: str
) -> dict[str, Any]:
    """A region as the fields of a CKAN dataset.

    Args:
        archive: The archive.
        region: Id of the region.
        name: Its name for people.
        address: Where the archive is served.
        organization: Owner of the dataset.
    """
    latest = archive.latest(region)
    extras = {"catalogue": f"{address}/{CATALOGUE}", "index": f"{address}/index.html"}
    if latest is not None:
        extras |= {"newest_day": latest.service_day.isoformat(), "epsilon": f"{latest.epsilon:g}"}
    return {
        "name": f"{PREFIX}{region}",
        "title": f"{name}: synthetic trips of shared scooters and bikes",
        "notes": (
            "One differentially private, synthetic dataset a day. No row is a real trip, a vehicle "
            "or a person."
        ),
        "owner_org": organization,
        "license_id": latest.licence.lower() if latest else "notspecified",
        "url": f"{address}/{latest.page}" if latest else f"{address}/index.html",
        "extras": [{"key": key, "value": value} for key, value in sorted(extras.items())],
        "resources": _resources(latest, address) if latest else [],
    }


def _resources(latest: Entry, address: str) -> list[dict[str, str]]:
    folder = f"{address}/{latest.path}"
    page = {"name": "Page of the newest day", "url": f"{folder}/index.html", "format": "HTML"}
    files = [
        {
            "name": f"{rows_said({table: rows})}, {latest.service_day}",
            "url": f"{folder}/{table}.{ending}",
            "format": kind,
        }
        for table, rows in latest.tables.items()
        for ending, kind in (("parquet", "Parquet"), ("csv.gz", "CSV"))
    ]
    return [page, *files]


def _is_up_to_date(there: dict[str, Any], due: dict[str, Any]) -> bool:
    """Whether a dataset has the fields that it should have; the site adds others."""

    def fields(document: dict[str, Any]) -> dict[str, Any]:
        plain = {name: document.get(name) for name in due if name not in ("extras", "resources")}
        plain["owner_org"] = None  # the site names it by its id
        lists = {
            name: [{key: each.get(key) for key in first} for each in document.get(name, [])]
            for name, first in (
                ("extras", ("key", "value")),
                ("resources", ("name", "url", "format")),
            )
        }
        return plain | lists

    return fields(there) == fields(due)
