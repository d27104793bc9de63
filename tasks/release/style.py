"""Style sheets that stand in their page: allowed there by their hash, asked of nobody."""

import base64
import hashlib
from importlib.resources import files

from markupsafe import Markup


def inline_style(*sheets: str) -> dict[str, Markup | str]:
    """What a template needs of its style sheets.

    Args:
        sheets: Each as `PACKAGE:FILE`, a file in the package's folder `templates`.

    Returns:
        `style`: all of them; `style_hash`: its SHA-256 as a Content-Security-Policy names it.
    """
    parts = (sheet.partition(":") for sheet in sheets)
    style = "".join(
        (files(package) / "templates" / name).read_text(encoding="utf-8")
        for package, _, name in parts
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return {"style": Markup(style), "style_hash": digest}
