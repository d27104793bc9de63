"""Locate: the docks of a feed, for a region whose trips begin and end at them."""

from pathlib import Path

from tasks.files import write_atomically
from tasks.gbfs import Manners
from tasks.service_area import AreaError, docks_of_feed, geojson_of_docks, yaml_of_docks


def locate(source: str, file: Path) -> str:
    """Write where a feed's stations stand.

    Args:
        source: URL of the feed's discovery file.
        file: Where the docks are written; it must not exist.

    Returns:
        The block `snap` of a region's file beside the written one.

    Raises:
        AreaError: If the feed has no stations, or the file exists.
        FeedError: If the feed is not to be had.
    """
    if file.exists():
        raise AreaError(f"{file} exists; remove it or name another file for the docks")
    docks = docks_of_feed(source, manners=Manners.of_machine())
    write_atomically(file, geojson_of_docks(docks))
    return yaml_of_docks(docks, source, file.name)
