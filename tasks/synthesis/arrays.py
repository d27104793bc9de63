"""Plain arrays in one file: written atomically, read without pickles."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.files import write_atomically

UNREADABLE = (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile)
"""What reading arrays, and the JSON beside them, raises where a file is not what it should be."""


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays by name, in their order."""
    content = io.BytesIO()
    np.savez(content, **arrays)
    write_atomically(path, content.getvalue())


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read arrays by name, in the order in which they were written.

    Raises:
        Exception: One of `UNREADABLE`, if the file is missing or holds no arrays.
    """
    with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
