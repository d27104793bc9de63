"""The index of the archive: one static page in the look of a release's page."""

import base64
import hashlib
from importlib.resources import files

from jinja2 import PackageLoader
from markupsafe import Markup

from tasks.archive.archive import Archive
from tasks.archive.calendar import calendar, grades
from tasks.archive.catalogue import CATALOGUE, ERRATA
from tasks.archive.feed import FEED
from tasks.archive.view import table_folder
from tasks.release.render import environment
from tasks.schema.rows_said import rows_said


def render_index(archive: Archive, address: str | None) -> bytes:
    """The page, in HTML: no script, no request, the style sheet inline and allowed by its hash.

    Args:
        archive: The archive.
        address: Where it is served, without a slash at its end; None if nobody said.
    """
    style = "".join(
        files(package).joinpath(f"templates/{name}").read_text(encoding="utf-8")
        for package, name in (("tasks.release", "page.css"), ("tasks.archive", "index.css"))
    )
    jinja = environment(autoescape=True).overlay(loader=PackageLoader("tasks.archive", "templates"))
    jinja.filters["rows_said"] = rows_said
    tables = sorted({name for entry in archive.offered for name in entry.tables})
    page = jinja.get_template("index.html.j2").render(
        archive=archive,
        regions=[
            (days, archive.latest(region), calendar(days))
            for region, days in archive.regions.items()
        ],
        grades=grades(),
        tables={name: table_folder(name) for name in tables},
        catalogue=CATALOGUE,
        errata=ERRATA,
        feed=FEED if address and archive.entries else None,
        address=address,
        style=Markup(style),
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )
    return page.encode()
