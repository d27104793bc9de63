"""Documents as text: JSON that may stand in a page, YAML and Markdown."""

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from tasks.region.one_line import plain

_MARKDOWN = re.compile(r"([\\`*_\[\]<>#!|~&$])")
_ITEM = re.compile(r"^(\d+(?=[.)])|)([-+.)])(?=\s|$)")
"""What begins an item of a list."""


def markdown(text: object) -> str:
    r"""Text that Markdown, and the HTML within it, shows as it is, on one line.

    Examples:
        >>> print(markdown("<b>A_b</b>  # c"))
        \<b\>A\_b\</b\> \# c
        >>> print(markdown("1. not an item"))
        1\. not an item
    """
    return _ITEM.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\1", plain(str(text))))


def as_json(document: Mapping[str, Any]) -> str:
    r"""A JSON document that may stand within a script element of a page as it is.

    Examples:
        >>> print(as_json({"name": "</script>"}), end="")
        {
          "name": "\u003c/script\u003e"
        }
    """
    written = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    for character in "<>&\u2028\u2029":  # in JSON these stand within strings only
        written = written.replace(character, f"\\u{ord(character):04x}")
    return written


def as_yaml(document: Mapping[str, Any]) -> str:
    """A YAML document with its keys in the order given, every string on one line."""
    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=float("inf"))
