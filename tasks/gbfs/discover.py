"""Discovery: from whichever file the region names to a system's vehicle feed."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

from tasks.gbfs.document import content
from tasks.gbfs.errors import WrongShapeError

NAMES = ("vehicle_status", "free_bike_status")
"""What the vehicle feed is called: since 3.0, and before."""

_FALLBACK_LANGUAGE = "en"  # positions are the same in every language
_VERSION = re.compile(r"(\d{1,2})\.(\d{1,2})(-RC\.?(\d{0,2}))?", re.ASCII | re.IGNORECASE)


def entry_url(document: dict[str, Any], base: str, system: str | None = None) -> str | None:
    """The URL of the discovery file, if a decoded file is one that only leads there.

    That is `gbfs_versions.json`, or the `manifest.json` of an operator with many systems. The
    highest version is taken, and a release candidate only where there is nothing else.

    Args:
        document: The decoded file.
        base: Its URL, against which a relative URL is resolved.
        system: Which system of a manifest is meant; needed if it has several.

    Returns:
        The URL, or None if the file is of another kind.

    Raises:
        WrongShapeError: If the file leads nowhere.

    Examples:
        >>> versions = [{"version": v, "url": f"/{v}/gbfs.json"} for v in ("2.3", "3.0", "3.1-RC2")]
        >>> entry_url({"data": {"versions": versions}}, "https://example.org/gbfs_versions.json")
        'https://example.org/3.0/gbfs.json'
    """
    data = content(document)
    versions = data.get("versions")
    datasets = data.get("datasets")
    if isinstance(datasets, list):
        named = [item for item in datasets if isinstance(item, dict)]
        if system is not None:
            named = [item for item in named if item.get("system_id") == system]
        if len(named) != 1:
            raise WrongShapeError(
                f"the manifest lists {len(named)} such systems; name one of them by `system`"
            )
        versions = named[0].get("versions")
    elif not isinstance(versions, list):
        return None
    for entry in sorted(_records(versions), key=_preference, reverse=True):
        absolute = _http_url(base, entry.get("url"))
        if absolute is not None:
            return absolute
    raise WrongShapeError("the JSON lists versions, but no discovery file for any of them")


def vehicle_status_url(document: dict[str, Any], base: str, language: str | None = None) -> str:
    """The URL of the vehicle feed that a decoded discovery file names.

    Reads the flat list of 3.0 and the lists by language of 1.x and 2.x (the preferred language
    first, then English, then in the file's order).

    Args:
        document: The decoded `gbfs.json`.
        base: URL of the discovery file, against which a relative URL is resolved.
        language: The preferred language, as the file writes it.

    Raises:
        WrongShapeError: If the file names no vehicle feed with an http or https URL.

    Examples:
        >>> feeds = [{"name": "free_bike_status", "url": "https://example.org/bikes.json"}]
        >>> vehicle_status_url({"data": {"nb": {"feeds": feeds}}}, "https://example.org/gbfs.json")
        'https://example.org/bikes.json'
    """
    urls = _urls(content(document), language)
    for name in NAMES:
        for url in urls.get(name, ()):
            absolute = _http_url(base, url)
            if absolute is not None:
                return absolute
    raise WrongShapeError(
        "the JSON is neither a list of vehicles nor a discovery file that names a vehicle feed"
    )


def vehicle_types_url(
    document: dict[str, Any], base: str, language: str | None = None
) -> str | None:
    """The URL of the vehicle types that a decoded discovery file names, if it names them.

    Args:
        document: The decoded `gbfs.json`.
        base: URL of the discovery file, against which a relative URL is resolved.
        language: The preferred language; the types are the same in every one.
    """
    return file_url(document, base, "vehicle_types", language)


def file_url(
    document: dict[str, Any], base: str, name: str, language: str | None = None
) -> str | None:
    """The URL of a file that a decoded discovery file names, if it names it.

    Args:
        document: The decoded `gbfs.json`.
        base: URL of the discovery file, against which a relative URL is resolved.
        name: Of the file, such as `system_regions`.
        language: The preferred language.
    """
    urls = _urls(content(document), language).get(name, ())
    return next(filter(None, (_http_url(base, url) for url in urls)), None)


def _urls(data: dict[str, Any], language: str | None) -> dict[str, list[str]]:
    """URLs by feed name, the preferred language first."""
    languages = sorted(
        (item for item in data.items() if isinstance(item[1], dict)),
        key=lambda item: (item[0] != language, item[0] != _FALLBACK_LANGUAGE),
    )
    urls: dict[str, list[str]] = {}
    for feeds in [data.get("feeds"), *(listing.get("feeds") for _, listing in languages)]:
        for feed in _records(feeds):
            name, url = feed.get("name"), feed.get("url")
            if isinstance(name, str) and isinstance(url, str):
                urls.setdefault(name, []).append(url)
    return urls


def _records(items: Any) -> Iterator[dict[str, Any]]:
    return (item for item in (items if isinstance(items, list) else ()) if isinstance(item, dict))


def _http_url(base: str, url: Any) -> str | None:
    if not isinstance(url, str):
        return None
    try:
        absolute = urljoin(base, url.strip())
        return absolute if urlsplit(absolute).scheme in ("http", "https") else None
    except ValueError:
        return None


def _preference(entry: dict[str, Any]) -> tuple[bool, bool, int, int, int]:
    """Sorts versions: the highest last, release candidates before what is final."""
    match = _VERSION.fullmatch(str(entry.get("version")).strip())
    if match is None:
        return (False, False, 0, 0, 0)
    return (True, match[3] is None, int(match[1]), int(match[2]), int(match[4] or 0))
