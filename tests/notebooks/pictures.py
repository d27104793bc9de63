"""The pictures and tables of the notebook on one static page, which asks no server for anything.

    python -m tests.notebooks.pictures PAGE.html

They are those that are stored in the notebook; nothing is run.
"""

import argparse
import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from jinja2 import FileSystemLoader
from markupsafe import Markup
from nbformat import NotebookNode

from tasks.files import write_atomically
from tasks.release.render import environment
from tasks.release.style import inline_style
from tests.notebooks.running import load

_TEMPLATES = Path(__file__).with_name("templates")
_TITLE = "{http://www.w3.org/2000/svg}title"


@dataclass(frozen=True)
class Shown:
    """What a cell showed.

    Attributes:
        caption: What is seen.
        image: A drawing as a data URL; empty of a table.
        words: What the drawing says to those who do not see it.
        table: A table in HTML; None of a drawing.
    """

    caption: str
    image: str = ""
    words: str = ""
    table: Markup | None = None


@dataclass(frozen=True)
class Section:
    """A section of the notebook.

    Attributes:
        title: Its heading.
        shown: What its cells showed, at least one thing.
    """

    title: str
    shown: tuple[Shown, ...]


def render(notebook: NotebookNode) -> str:
    """The page, in HTML: no script, no request, the style sheet allowed by its hash.

    Args:
        notebook: One that ran, whose outputs are ours.
    """
    jinja = environment(autoescape=True).overlay(loader=FileSystemLoader(_TEMPLATES))
    return jinja.get_template("pictures.html.j2").render(
        title=heading(notebook.cells[0].source),
        sections=sections_of(notebook),
        **inline_style("tasks.release:page.css", "tests.notebooks:pictures.css"),
    )


def sections_of(notebook: NotebookNode) -> list[Section]:
    """The sections in which something is shown."""
    found: list[Section] = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("#"):
            found.append(Section(heading(cell.source), ()))
        elif cell.cell_type == "code":
            last = found.pop()
            found.append(Section(last.title, (*last.shown, *_shown(cell))))
    return [section for section in found if section.shown]


def heading(source: str) -> str:
    """The heading that a cell of text begins with.

    Examples:
        >>> heading("## Three maps\\n\\nWhere trips start")
        'Three maps'
    """
    return source.splitlines()[0].lstrip("# ")


def _shown(cell: NotebookNode) -> Iterator[Shown]:
    for output in cell.outputs:
        data = output.get("data", {})
        if (drawing := data.get("image/svg+xml")) is not None:
            url = f"data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode()}"
            words = ElementTree.fromstring(drawing).findtext(_TITLE, "")
            yield Shown(data["text/plain"], url, words)
        elif (table := data.get("text/html")) is not None:
            yield Shown(data["text/plain"], table=Markup(table))


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path, metavar="PAGE.html")
    path = parser.parse_args().page
    write_atomically(path, render(load()).encode())
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
