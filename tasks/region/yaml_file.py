"""YAML files of settings: read to a mapping, and what is wrong with one said in one line."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from tasks import OpentripsError

_SHOWN = 80
"""Most characters of a wrong value that a message repeats; polygons are long."""


def read_mapping(path: Path, kind: str, keys: str, error: type[OpentripsError]) -> dict[str, Any]:
    """Read a file of settings.

    Args:
        path: The YAML file.
        kind: What it describes, such as a region.
        keys: The keys that it begins with, for whoever wrote something else.
        error: Raised, with one line, if the file is missing, is no YAML or no mapping.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as reason:
        raise error(f"{path}: cannot read the {kind} file: {reason.strerror}") from reason
    except (yaml.YAMLError, UnicodeDecodeError) as reason:
        raise error(f"{path}: not YAML: {_one_line(str(reason))}") from reason
    if not isinstance(document, dict):
        raise error(f"{path}: a {kind} file is a mapping with the keys {keys}, ...")
    return document


def faults(error: ValidationError) -> str:
    """Every fault of the settings, where it is and what it is, in one line."""
    found = []
    for fault in error.errors():
        where = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            found.append(f"unknown key {where!r}; remove it or correct its spelling")
        else:
            text = fault["msg"].removeprefix("Value error, ")
            found.append(f"{where}: {text} (is {_short(fault['input'])})" if where else text)
    return _one_line("; ".join(found))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _one_line(text: str) -> str:
    return " ".join(text.split())
