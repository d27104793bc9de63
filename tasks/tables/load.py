"""Reading a schema, or what is synthesized, from YAML; one clear line for every mistake in it."""

from pathlib import Path

from pydantic import ValidationError

from tasks.region.yaml_file import faults, read_mapping
from tasks.tables.errors import TableError
from tasks.tables.synthesis import Synthesis
from tasks.tables.table import PublicTable


def load_table(path: Path) -> PublicTable:
    """Read and validate one schema.

    Args:
        path: The YAML file.

    Raises:
        TableError: If the file is missing, is no YAML, or breaks a rule of the model.
    """
    document = read_mapping(path, "table", "name, columns", TableError)
    try:
        return PublicTable.model_validate(document)
    except ValidationError as error:
        raise TableError(f"{path}: {faults(error)}") from error


def load_synthesis(path: Path) -> Synthesis:
    """Read and validate what is to be synthesized.

    Args:
        path: The YAML file. The data, and the schema's file where one is named, are named relative
            to its folder, or by their full paths.

    Raises:
        TableError: If a file is missing, is no YAML, or breaks a rule of its model.
    """
    document = read_mapping(path, "synthesis", "name, table, data, guarantee", TableError)
    folder = path.absolute().parent
    if isinstance(document.get("table"), str):
        document["table"] = load_table(folder / document["table"])
    if isinstance(document.get("data"), str):
        document["data"] = str(folder / document["data"])
    try:
        return Synthesis.model_validate(document)
    except ValidationError as error:
        raise TableError(f"{path}: {faults(error)}") from error
