"""The pages of the archive: an index of all regions, and the days of each, all in one look."""

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import PackageLoader

from tasks.archive.archive import Archive
from tasks.archive.calendar import calendar, grades
from tasks.archive.catalogue import CATALOGUE, ERRATA, LATEST
from tasks.archive.entry import Entry
from tasks.archive.feed import FEED
from tasks.archive.view import table_folder
from tasks.release.listing import PAGE
from tasks.release.render import environment
from tasks.release.rows import FORMATS
from tasks.release.style import inline_style
from tasks.schema.rows_said import rows_said


def render_index(archive: Archive, address: str | None) -> bytes:
    """The index, in HTML: no script, no request, the style sheet inline and allowed by its hash.

    Args:
        archive: The archive.
        address: Where it is served, without a slash at its end; None if nobody said.
    """
    return _rendered(
        "index.html.j2",
        archive.offered,
        archive=archive,
        regions=[
            (days, archive.latest(region), calendar(days))
            for region, days in archive.regions.items()
        ],
        region_page=PAGE,
        catalogue=CATALOGUE,
        errata=ERRATA,
        feed=FEED if address and archive.entries else None,
        address=address,
    )


def render_region(archive: Archive, region: str, address: str | None) -> bytes:
    """The page of one region, made like the index; it lies in the region's folder.

    Args:
        archive: The archive.
        region: Id of a region that has a published day.
        address: As for the index.
    """
    days = archive.regions[region]
    return _rendered(
        "region.html.j2",
        [entry for entry in days if entry.withdrawn is None],
        days=days,
        years=calendar(days),
        newest=archive.latest(region),
        formats=FORMATS,
        latest=LATEST,
        feed=FEED if address else None,
    )


def _rendered(template: str, offered: Sequence[Entry], **facts: Any) -> bytes:
    """A page, told the tables of the releases on it, and how it looks."""
    jinja = environment(autoescape=True).overlay(loader=PackageLoader("tasks.archive", "templates"))
    jinja.filters["rows_said"] = rows_said
    tables = sorted({name for entry in offered for name in entry.tables})
    told: Mapping[str, Any] = {
        **facts,
        "grades": grades(),
        "tables": {name: table_folder(name) for name in tables},
        **inline_style("tasks.release:page.css", "tasks.archive:index.css"),
    }
    return jinja.get_template(template).render(told).encode()
