"""Reading a search's YAML file, with one clear line for every mistake in it."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tasks.region.yaml_file import faults, read_mapping
from tasks.search.errors import SearchError
from tasks.search.model import Search


def load_search(path: Path) -> Search:
    """Read and validate one search.

    Args:
        path: The YAML file. Releases are named relative to its folder, or by their full paths.

    Raises:
        SearchError: If the file is missing, is no YAML, or breaks a rule of the model.
    """
    document = read_mapping(path, "search", "name, data, synthesizer, stages", SearchError)
    data = document.get("data")
    if isinstance(data, dict) and isinstance(data.get("releases"), list):
        data["releases"] = [_absolute(path, release) for release in data["releases"]]
    try:
        return Search.model_validate(document)
    except ValidationError as error:
        raise SearchError(f"{path}: {faults(error)}") from error


def _absolute(path: Path, release: Any) -> Any:
    return str(path.absolute().parent / release) if isinstance(release, str) else release
