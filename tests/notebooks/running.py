"""Runs the notebook in a kernel of this interpreter, and stores it with what its cells showed.

    python -m tests.notebooks.running

runs all of it, some minutes, and writes the notebook and the README's picture anew.
"""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from unittest import mock

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode

from tasks.files import write_atomically

ROOT = Path(__file__).parents[2]
NOTEBOOK = Path(__file__).with_name("the_whole_way.ipynb")
PICTURE = ROOT / ".readme" / "three-ways.svg"
SIZE = "OPENTRIPS_NOTEBOOK"
"""The environment variable that the first cell reads: `small` takes seconds and shows little."""
THREE_WAYS = "three-ways"
"""Tag of the cell whose drawing the README shows."""

_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
_CELL_SECONDS = 3600


def load(path: Path = NOTEBOOK) -> NotebookNode:
    """The notebook as it is stored."""
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    return notebook


def sources_sha256(notebook: NotebookNode) -> str:
    """A hash of the code, cell by cell; the words around it may change without a run."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()


def run(notebook: NotebookNode, size: str = "") -> NotebookNode:
    """Run every cell in a fresh kernel, and leave what they show in the notebook.

    The kernel is this interpreter's; what it and its client keep lies in a folder that is removed.

    Args:
        notebook: It is changed.
        size: See `SIZE`.

    Raises:
        nbclient.exceptions.CellExecutionError: If a cell fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        names = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
        kept = {name: str(Path(folder, name)) for name in names}
        variables = {**kept, **_QUIET, SIZE: size, "JUPYTER_PLATFORM_DIRS": "1"}
        with mock.patch.dict(os.environ, variables):
            specs = KernelSpecManager(kernel_dirs=[])  # finds the one of `sys.executable` alone
            client = NotebookClient(
                notebook,
                km=AsyncKernelManager(kernel_name="python3", kernel_spec_manager=specs),
                timeout=_CELL_SECONDS,
                record_timing=False,
                extra_arguments=["--log-level=ERROR"],  # else it warns of its loopback
                resources={"metadata": {"path": str(ROOT)}},
            )
            client.execute()
    return notebook


def store(notebook: NotebookNode, path: Path = NOTEBOOK) -> None:
    """Write a notebook that ran: the same sources and outputs always give the same bytes."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "opentrips": {"sources_sha256": sources_sha256(notebook)},
    }
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        cell.metadata = {"tags": cell.metadata.tags} if "tags" in cell.metadata else {}
    nbformat.validate(notebook)
    write_atomically(path, f"{nbformat.writes(notebook)}\n".encode())


def drawing_of(notebook: NotebookNode, tag: str) -> str:
    """The drawing that the cell of a tag showed.

    Raises:
        StopIteration: If there is none.
    """
    cell = next(cell for cell in notebook.cells if tag in cell.metadata.get("tags", ()))
    shown = (output.get("data", {}) for output in cell.outputs)
    return str(next(data["image/svg+xml"] for data in shown if "image/svg+xml" in data))


def main() -> None:
    """Run and store."""
    notebook = run(load())
    store(notebook)
    write_atomically(PICTURE, drawing_of(notebook, THREE_WAYS).encode())
    for path in (NOTEBOOK, PICTURE):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
