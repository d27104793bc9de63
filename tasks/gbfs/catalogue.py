"""The catalogue of systems: a CSV that names the discovery file of every known system."""

import csv
import io

from tasks.gbfs.errors import FeedError

CATALOGUE_URL = "https://raw.githubusercontent.com/MobilityData/gbfs/master/systems.csv"
"""The catalogue that MobilityData keeps: the default where no local file lies."""

_ID, _URL = "System ID", "Auto-Discovery URL"


def discovery_url(catalogue: str, system: str) -> str:
    r"""The URL of a system's discovery file.

    Args:
        catalogue: The CSV, with the columns `System ID` and `Auto-Discovery URL`.
        system: The system's id, exactly.

    Raises:
        FeedError: If the text is no catalogue, or lacks the system or its URL.

    Examples:
        >>> discovery_url("System ID,Auto-Discovery URL\nx,https://x.example/gbfs.json\n", "x")
        'https://x.example/gbfs.json'
    """
    try:
        rows = csv.DictReader(io.StringIO(catalogue.removeprefix("\ufeff"), newline=""))
        if not {_ID, _URL} <= set(rows.fieldnames or ()):
            raise FeedError(f"the catalogue has no columns {_ID!r} and {_URL!r}; is it the CSV?")
        urls = [row[_URL] for row in rows if (row[_ID] or "").strip() == system]
    except csv.Error:
        raise FeedError("the catalogue is no CSV") from None
    if not urls:
        raise FeedError(f"the catalogue has no system {system!r}; look its id up there")
    url = (urls[0] or "").strip()
    if not url:
        raise FeedError(f"the catalogue names no URL for the system {system!r}; set `url` instead")
    return url
