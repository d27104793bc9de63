"""Reading a study's YAML file, with one clear line for every mistake in it."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tasks.comparison.errors import StudyError
from tasks.comparison.model import Study
from tasks.region.yaml_file import faults, read_mapping
from tasks.tables.load import load_table


def load_study(path: Path, rows: Path | None = None, canaries: Path | None = None) -> Study:
    """Read and validate one study.

    Args:
        path: The YAML file. Files in it are named relative to its folder, or by their full paths;
            `table` is a schema, or the file of one.
        rows: The file of the table's rows, in the place of the study's.
        canaries: A file of canaries, likewise.

    Raises:
        StudyError: If the file is missing, is no YAML, or breaks a rule of the model.
        TableError: The same of the schema's file.
    """
    document = read_mapping(path, "study", "name, table, data, configurations", StudyError)
    folder = path.absolute().parent
    if isinstance(document.get("table"), str):
        document["table"] = load_table(folder / document["table"])
    _place(document.get("data"), "path", folder)
    _place(document.get("canaries"), "file", folder)
    if rows is not None:
        document["data"] = {"kind": "file", "path": str(rows.absolute())}
    if canaries is not None:
        document["canaries"] = {
            **(document.get("canaries") or {}),
            "file": str(canaries.absolute()),
        }
    try:
        return Study.model_validate(document)
    except ValidationError as error:
        raise StudyError(f"{path}: {faults(error)}") from error


def _place(settings: Any, name: str, folder: Path) -> None:
    """Name a file of some settings by its full path."""
    if isinstance(settings, dict) and isinstance(settings.get(name), str):
        settings[name] = str(folder / settings[name])
