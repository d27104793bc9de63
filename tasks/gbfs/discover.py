"""The discovery file `gbfs.json`: where a system's vehicle feed is."""

from typing import Any
from urllib.parse import urljoin, urlsplit

from tasks.gbfs.document import content
from tasks.gbfs.errors import WrongShapeError

NAMES = ("vehicle_status", "free_bike_status")
"""What the vehicle feed is called: since 3.0, and before."""

_PREFERRED_LANGUAGE = "en"  # positions are the same in every language


def vehicle_status_url(document: dict[str, Any], base: str) -> str:
    """The URL of the vehicle feed that a decoded discovery file names.

    Reads the flat list of 3.0 and the lists by language of 1.x and 2.x (English first, then in
    the file's order).

    Args:
        document: The decoded `gbfs.json`.
        base: URL of the discovery file, against which a relative URL is resolved.

    Raises:
        WrongShapeError: If the file names no vehicle feed with an http or https URL.

    Examples:
        >>> feeds = [{"name": "free_bike_status", "url": "https://example.org/bikes.json"}]
        >>> vehicle_status_url({"data": {"nb": {"feeds": feeds}}}, "https://example.org/gbfs.json")
        'https://example.org/bikes.json'
    """
    urls = _urls(content(document))
    for name in NAMES:
        for url in urls.get(name, ()):
            try:
                absolute = urljoin(base, url)
                if urlsplit(absolute).scheme in ("http", "https"):
                    return absolute
            except ValueError:
                continue
    raise WrongShapeError(
        "the JSON is neither a list of vehicles nor a discovery file that names a vehicle feed"
    )


def _urls(data: dict[str, Any]) -> dict[str, list[str]]:
    """URLs by feed name, the preferred language first."""
    languages = sorted(
        (item for item in data.items() if isinstance(item[1], dict)),
        key=lambda item: item[0] != _PREFERRED_LANGUAGE,
    )
    urls: dict[str, list[str]] = {}
    for feeds in [data.get("feeds"), *(listing.get("feeds") for _, listing in languages)]:
        for feed in feeds if isinstance(feeds, list) else ():
            if not isinstance(feed, dict):
                continue
            name, url = feed.get("name"), feed.get("url")
            if isinstance(name, str) and isinstance(url, str):
                urls.setdefault(name, []).append(url.strip())
    return urls
