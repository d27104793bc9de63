"""Arrays and the JSON that describes them: two files that are stored and read together."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tasks.files import write_atomically
from tasks.synthesis.arrays import UNREADABLE, load_arrays, save_arrays
from tasks.synthesis.errors import ModelFileError

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Stored:
    """A kind of thing that is stored in a directory, and how people name it.

    Attributes:
        name: Stem of both files.
        what: What it is, with its article.
        remedy: What to do where it cannot be read.
    """

    name: str
    what: str
    remedy: str

    @property
    def arrays(self) -> str:
        """Name of the file of arrays."""
        return f"{self.name}.npz"

    @property
    def document(self) -> str:
        """Name of the file of JSON."""
        return f"{self.name}.json"

    @property
    def files(self) -> list[str]:
        """Names of both files."""
        return [self.arrays, self.document]

    def save(
        self, directory: Path, arrays: Mapping[str, NDArray[Any]], document: Mapping[str, Any]
    ) -> list[str]:
        """Write both; returns the names of the files."""
        save_arrays(directory / self.arrays, arrays)
        text = json.dumps(document, indent=2) + "\n"
        write_atomically(directory / self.document, text.encode())
        return self.files

    @contextmanager
    def reading(self, directory: Path) -> Iterator[tuple[dict[str, Any], Arrays]]:
        """Document and arrays; what goes wrong with them inside the block is said in one line.

        Raises:
            ModelFileError: If a file is missing or not readable, or its content is not what the
                block makes of it.
        """
        try:
            document = json.loads((directory / self.document).read_bytes())
            yield document, load_arrays(directory / self.arrays)
        except UNREADABLE as error:
            raise ModelFileError(
                f"{directory}: not {self.what} of this version ({error}); {self.remedy}"
            ) from error
