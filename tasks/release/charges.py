"""Which charges the published releases name: what the ledger must still know."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from tasks.files import FileError, read_manifest
from tasks.privacy.published import PublishedCharge


def published_charges(
    releases: Path, region: str, sources: Collection[str]
) -> list[PublishedCharge]:
    """The charges of every release of a region, and of other regions that share a source with it.

    Args:
        releases: The folder of all releases.
        region: Id of the region.
        sources: Source systems of its feeds.

    Raises:
        FileError: If a published manifest cannot be read.
    """
    found = []
    for revision in sorted(releases.glob("*/*/r[0-9]*")):
        manifest = read_manifest(revision)
        if manifest is None:
            continue
        try:
            charge = manifest.get("charge") or {}
            shared = not set(sources).isdisjoint(charge.get("sources", ()))
            if manifest["region"]["id"] == region or shared:
                found.append(_published_charge(manifest, charge))
        except (KeyError, TypeError, AttributeError) as error:
            raise FileError(
                f"{revision}: its manifest is no release's; restore it from a backup"
            ) from error
    return found


def _published_charge(manifest: dict[str, Any], charge: dict[str, Any]) -> PublishedCharge:
    region, day = manifest["region"]["id"], manifest["service_day"]
    return PublishedCharge(
        release=f"release {region} {day} r{manifest['revision']}",
        region=region,
        service_day=day,
        steps=manifest["mechanism"].get("steps", 1),
        charge_key=charge.get("key"),
    )
