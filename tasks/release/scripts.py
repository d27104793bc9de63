"""The page's scripts: one that says that scripts run, and the map with the library it stands on."""

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from markupsafe import Markup

SCRIPTED = 'document.documentElement.classList.add("scripted")'
"""Runs before anything is drawn, so that the still maps do not flash up before the live one."""

_VENDORED = (
    "d3-color-3.1.0",
    "d3-dispatch-3.0.1",
    "d3-ease-3.0.1",
    "d3-timer-3.0.1",
    "d3-selection-3.0.0",
    "d3-interpolate-3.0.1",
    "d3-drag-3.0.0",
    "d3-transition-3.0.1",
    "d3-zoom-3.0.0",
)
_OWN = ("data", "counts", "drawing", "hours", "words", "controls")


def map_script() -> str:
    """The module that draws the map, after the library and its licence."""
    here = files("tasks.release")
    licence = here.joinpath("vendor/LICENSE").read_text(encoding="utf-8")
    library = [
        here.joinpath(f"vendor/{name}.min.js").read_text(encoding="utf-8") for name in _VENDORED
    ]
    own = [here.joinpath(f"templates/map/{name}.js").read_text(encoding="utf-8") for name in _OWN]
    return "\n".join([f"/*\n{licence}*/", *library, *own])


def allowed(text: str) -> str:
    """The source expression by which a content security policy allows a script or a style.

    Examples:
        >>> allowed("")
        "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    """
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def data_block(document: Mapping[str, Any]) -> Markup:
    r"""JSON that ends no element and begins none, whatever its strings hold.

    Examples:
        >>> print(data_block({"name": "</script>"}))
        {"name":"\u003c/script>"}
    """
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))
