"""A drawing as an SVG file that stands alone, as the README shows it."""

from pathlib import Path

from markupsafe import Markup

from tasks.files import write_atomically


def write_alone(path: Path, drawing: Markup) -> None:
    """Write a drawing of `tasks.release.svg` with the name space that a page would give it."""
    alone = str(drawing).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    write_atomically(path, f"{alone}\n".encode())
