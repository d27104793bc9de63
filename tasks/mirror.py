"""Mirror: the archive in another catalogue, for those who look there."""

import os
from urllib.parse import urlsplit

from tasks.address import public_address
from tasks.archive.ckan import mirror_to_ckan
from tasks.archive.dataset_hub import mirror_to_dataset_hub
from tasks.archive.errors import ArchiveError
from tasks.archive.publishing import publish_archive
from tasks.catalogue import archives

KEY = "OPENTRIPS_CKAN_KEY"
"""Environment variable with the API token of a CKAN site."""


def mirror(target: str) -> list[str]:
    """Bring a mirror up to date with what is published; again, it changes nothing.

    Args:
        target: `hf:OWNER/NAME`, a dataset that exists on a hub; or `ckan:https://HOST/ORGANIZATION`.

    Returns:
        What was done, line by line.

    Raises:
        ArchiveError: If the target is none, or it refuses.
        StoreError: If the archive cannot be read.
    """
    kind, _, place = target.partition(":")
    store, address = archives()[-1], public_address()
    if kind == "hf" and place.count("/") == 1:
        return [mirror_to_dataset_hub(store, publish_archive(store, address), place)]
    site, _, organization = place.rstrip("/").rpartition("/")
    if kind == "ckan" and urlsplit(site).scheme in ("http", "https") and urlsplit(site).netloc:
        if address is None:
            raise ArchiveError(
                "a CKAN catalogue leads to where the releases are served; set OPENTRIPS_PUBLIC_URL"
            )
        archive = publish_archive(store, address)
        return mirror_to_ckan(archive, address, site, organization, os.environ.get(KEY))
    raise ArchiveError(
        f"{target}: no mirror; write hf:OWNER/NAME or ckan:https://HOST/ORGANIZATION"
    )
