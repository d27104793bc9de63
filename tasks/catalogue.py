"""The Prefect task `catalogue`: the archive over all releases follows what is published."""

from collections.abc import Iterator

from prefect import get_run_logger

from tasks import exchange
from tasks.address import public_address
from tasks.archive.publishing import publish_archive
from tasks.files import Layout
from tasks.files.store import Store
from tasks.step import step


@step("catalogue")
def catalogue() -> None:
    """Bring catalogue, index, feed, sitemap and Parquet view up to date with the releases.

    Of releases that the catalogue knows already nothing is read again.

    Raises:
        ArchiveError: If a manifest lies where it does not belong.
        ReleaseError: If a manifest cannot be read, or OPENTRIPS_PUBLIC_URL is no address.
        StoreError: If a store cannot be used.
    """
    for store in archives():
        archive = publish_archive(store, public_address())
        get_run_logger().info("The archive at %s has %d days", store.url, len(archive.newest))


def make_archives() -> Iterator[str]:
    """Make every archive anew, from all that is published.

    Yields:
        What was made, line by line.

    Raises:
        ArchiveError: If a manifest lies where it does not belong.
        ReleaseError: If a manifest cannot be read, or OPENTRIPS_PUBLIC_URL is no address.
        StoreError: If a store cannot be used.
    """
    address = public_address()
    for store in archives():
        archive = publish_archive(store, address, afresh=True)
        offered, days = len(archive.offered), len(archive.newest)
        yield (
            f"{store.url}: {days} days of {len(archive.regions)} regions, {offered} offered, "
            f"{days - offered} withdrawn, {len(archive.errata)} errata"
        )
    if address is None:
        yield (
            "No Atom feed and no sitemap: they name full addresses; set OPENTRIPS_PUBLIC_URL to "
            "where the releases are served"
        )


def archives() -> list[Store]:
    """Where releases lie: on this machine, and in the public store if there is one.

    Raises:
        StoreError: If the public store's URL is none.
    """
    here = Store.at(Layout.from_environment().all_releases.as_uri())
    public = exchange.public_store()
    return [here] if public is None else [here, public]
