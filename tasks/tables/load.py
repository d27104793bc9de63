"""Reading a table's schema from its YAML file, with one clear line for every mistake in it."""

from pathlib import Path

from pydantic import ValidationError

from tasks.region.yaml_file import faults, read_mapping
from tasks.tables.errors import TableError
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
