"""One Parquet view over all that is offered: a folder for each table, parted by region and day.

`trips.parquet/region=demo/day=2026-05-20/trips.parquet` is the same file as the newest revision's
`demo/2026-05-20/r1/trips.parquet`: pandas, DuckDB and Spark read the folder as one table, and only
the parts that a question needs. No region can be named so, since an id has no dot.
"""

from collections.abc import Mapping
from pathlib import PurePosixPath

from tasks.archive.archive import Archive
from tasks.files.store import Store


def table_folder(table: str) -> str:
    """The folder of a table in the view.

    Examples:
        >>> table_folder("trips")
        'trips.parquet'
    """
    return f"{table}.parquet"


def view(archive: Archive) -> dict[str, str]:
    """The files of the view, and for each the published file that it is."""
    return {
        f"{table_folder(table)}/region={entry.region}/day={entry.service_day}/{table}.parquet": (
            f"{entry.path}/{table}.parquet"
        )
        for entry in archive.offered
        for table in entry.tables
    }


def bring_up_to_date(store: Store, archive: Archive, listing: Mapping[str, str]) -> bool:
    """Make the view that of an archive: each file of it is replaced at once, or removed.

    Args:
        store: Where the archive lies.
        archive: What is offered.
        listing: The files of the store, and a mark of the content of each.

    Returns:
        Whether every published file was still there.

    Raises:
        StoreError: If the store cannot be used.
    """
    wanted = view(archive)
    is_whole = True
    for name, source in wanted.items():
        if listing.get(name) != listing.get(source) or source not in listing:
            is_whole &= store.copy(source, name)
    for name in listing:
        if _is_of_view(name) and name not in wanted:
            store.remove_file(name)
    return is_whole


def _is_of_view(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return len(parts) == 4 and parts[0].endswith(".parquet") and parts[1].startswith("region=")
