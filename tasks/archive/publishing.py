"""How the archive's own files are written: of two who do it at once, the last one's view is whole.

The catalogue is replaced only if it still is what it was before the releases were listed; whoever
finds it changed lists them again. All other files follow the catalogue, and whoever has written
them looks once more whether it is still their own.
"""

from tasks.archive.archive import Archive, read_archive
from tasks.archive.catalogue import (
    CATALOGUE,
    ERRATA,
    LATEST,
    catalogue,
    entries_of,
    errata,
    latest,
)
from tasks.archive.feed import FEED, SITEMAP, feed, sitemap
from tasks.archive.pages import render_index, render_region
from tasks.archive.view import bring_up_to_date
from tasks.files.store import Store, StoreError

INDEX = "index.html"
_TRIES = 50


def publish_archive(store: Store, address: str | None, *, afresh: bool = False) -> Archive:
    """Bring catalogue, index, errata, feed, sitemap and Parquet view up to date.

    Feed and sitemap need the address; without it there are none.

    Args:
        store: Where the releases lie.
        address: Where the store is served, without a slash at its end; None if nobody said.
        afresh: Whether to read every manifest again, instead of those only that are new.

    Returns:
        The archive.

    Raises:
        ArchiveError: If a manifest lies where it does not belong.
        ReleaseError: If a manifest or a withdrawal cannot be read.
        StoreError: If the store cannot be used, or others never stop publishing; a second try may
            help.
    """
    for _ in range(_TRIES):
        before = store.read(CATALOGUE)
        listing = store.listing()
        archive = read_archive(store, listing, None if afresh else entries_of(before))
        content = catalogue(archive)
        if not bring_up_to_date(store, archive, listing):
            continue
        if before != content and not store.replace(CATALOGUE, before, content):
            continue
        for name, document in _others(archive, address).items():
            if document is None:
                store.remove_file(name)
            elif store.read(name) != document:
                store.write(name, document)
        if store.read(CATALOGUE) == content:
            return archive
    raise StoreError(f"{store.url}: others publish all the time; run `opentrips archive` later")


def _others(archive: Archive, address: str | None) -> dict[str, bytes | None]:
    """The files beside the catalogue; None for those that there are none of."""
    is_served = address is not None and archive.entries
    return {
        ERRATA: errata(archive),
        INDEX: render_index(archive, address),
        FEED: feed(archive, address) if is_served and address else None,
        SITEMAP: sitemap(archive, address) if is_served and address else None,
        **{
            f"{region}/{INDEX}": render_region(archive, region, address)
            for region in archive.regions
        },
        **{
            f"{region}/{FEED}": feed(archive, address, region) if address else None
            for region in archive.regions
        },
        **dict.fromkeys((f"{region}/{LATEST}" for region in archive.regions), None),
        **latest(archive),
    }
