"""Reading a region's YAML file, with one clear line for every mistake in it."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from tasks import OpentripsError
from tasks.region.model import Region


class RegionError(OpentripsError):
    """A region's YAML file is missing or wrong."""


def load_region(path: Path) -> Region:
    """Read and validate one region file.

    Args:
        path: The YAML file.

    Raises:
        RegionError: If the file is missing, is no YAML, or breaks a rule of the model.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RegionError(f"{path}: cannot read the region file: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RegionError(f"{path}: not YAML: {_one_line(str(error))}") from error
    if not isinstance(document, dict):
        raise RegionError(f"{path}: a region file is a mapping with the keys id, name, feeds, ...")
    try:
        return Region.model_validate(document)
    except ValidationError as error:
        raise RegionError(f"{path}: {_describe(error)}") from error


def _describe(error: ValidationError) -> str:
    faults = []
    for fault in error.errors():
        where = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            faults.append(f"unknown key {where!r}; remove it or correct its spelling")
        else:
            text = fault["msg"].removeprefix("Value error, ")
            faults.append(f"{where}: {text} (is {fault['input']!r})" if where else text)
    return _one_line("; ".join(faults))


def _one_line(text: str) -> str:
    return " ".join(text.split())
