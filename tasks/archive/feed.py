"""The Atom feed and the sitemap: what is new, for readers and search engines.

Both need the address at which the archive is served. A first revision holds no time of its own, so
the feed gives the end of its service day; revisions and withdrawals say when they were made.
"""

from xml.etree import ElementTree as ET

from tasks.archive.archive import Archive
from tasks.archive.entry import Entry
from tasks.region.one_line import plain
from tasks.schema.rows_said import rows_said

FEED = "feed.atom"
SITEMAP = "sitemap.xml"
_ATOM = "http://www.w3.org/2005/Atom"
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_MOST = 100
_MOST_PLACES = 50_000
"""Addresses that one sitemap may hold."""


def feed(archive: Archive, address: str, region: str | None = None) -> bytes:
    """The newest hundred releases, revisions and withdrawals as an Atom feed (RFC 4287).

    Args:
        archive: The archive; it is not empty.
        address: Where it is served, without a slash at its end.
        region: The region that the feed is of, and in whose folder it lies. Default: all of them.
    """
    entries = [entry for entry in archive.entries if region in (None, entry.region)]
    newest = sorted(entries, key=lambda entry: (entry.updated_at, entry.path), reverse=True)
    title = "Synthetic trips of shared scooters and bikes"
    here = address
    if region is not None:
        here, title = f"{address}/{region}", f"{title}: {archive.regions[region][-1].name}"
    root = ET.Element("feed", {"xmlns": _ATOM, "xml:lang": "en"})
    _text(root, "id", f"{here}/{FEED}")
    _text(root, "title", title)
    _text(root, "updated", newest[0].updated)
    ET.SubElement(root, "link", {"rel": "self", "href": f"{here}/{FEED}"})
    ET.SubElement(root, "link", {"rel": "alternate", "href": f"{here}/index.html"})
    _text(ET.SubElement(root, "author"), "name", "opentrips")
    for entry in newest[:_MOST]:
        _add_entry(root, entry, address)
    return _document(root)


def sitemap(archive: Archive, address: str) -> bytes:
    """The archive's own pages and those of the newest revisions offered (sitemaps.org 0.9).

    Args:
        archive: The archive.
        address: Where it is served, without a slash at its end.
    """
    root = ET.Element("urlset", {"xmlns": _SITEMAP})
    regions = [f"{region}/index.html" for region in archive.regions]
    pages = ["index.html", *regions, *(entry.page for entry in reversed(archive.offered))]
    for page in pages[:_MOST_PLACES]:
        _text(ET.SubElement(root, "url"), "loc", f"{address}/{page}")
    return _document(root)


def _add_entry(root: ET.Element, entry: Entry, address: str) -> None:
    element = ET.SubElement(root, "entry")
    _text(element, "id", f"{address}/{entry.page}")
    _text(element, "title", f"{entry.name}, {entry.service_day}{_standing(entry)}")
    _text(element, "updated", entry.updated)
    ET.SubElement(element, "link", {"rel": "alternate", "href": f"{address}/{entry.page}"})
    _text(element, "summary", _summary(entry))


def _standing(entry: Entry) -> str:
    if entry.withdrawn is not None:
        return f", r{entry.revision} withdrawn"
    return f", revision r{entry.revision}" if entry.revision > 1 else ""


def _summary(entry: Entry) -> str:
    if entry.withdrawn is not None:
        return f"Withdrawn: {entry.withdrawn.reason}"
    rows = f"{rows_said(entry.tables)}; epsilon {entry.epsilon:g} for one {entry.unit}"
    return f"{rows}. Revised: {entry.reason}" if entry.reason else rows


def _text(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = plain(text)  # XML holds no control characters


def _document(root: ET.Element) -> bytes:
    ET.indent(root, " ")
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"
