"""A drawing as an SVG file that stands alone, as the README and the notebook show it."""

from pathlib import Path

from markupsafe import Markup

from tasks.files import write_atomically


def alone(drawing: Markup, style: str = "") -> str:
    """A drawing of `tasks.release.svg` with what a page would give it.

    Args:
        drawing: The drawing.
        style: Its style sheet, if it holds none itself.
    """
    opening, inside = str(drawing).split(">", 1)
    width, height = opening.partition('viewBox="0 0 ')[2].partition('"')[0].split()
    named = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
    sheet = f"<style>{style}</style>" if style else ""
    return f"{opening.replace('<svg ', named, 1)}>{sheet}{inside}\n"


def write_alone(path: Path, drawing: Markup) -> None:
    """Write a drawing as a file."""
    write_atomically(path, alone(drawing).encode())
