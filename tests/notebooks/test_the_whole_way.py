"""The notebook runs, and what is stored of it comes from the code that is stored with it."""

import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from tests.notebooks.running import (
    NOTEBOOK,
    PICTURE,
    ROOT,
    THREE_WAYS,
    drawing_of,
    load,
    run,
    sources_sha256,
    store,
)

MOST_BYTES = 1_500_000
FIGURES, TABLES = 8, 3


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def kinds(notebook: NotebookNode, kind: str) -> list[str]:
    """Everything of a media type that the cells showed."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return [output["data"][kind] for output in outputs if kind in output.get("data", {})]


def assert_is_whole(notebook: NotebookNode) -> None:
    """Every figure and table is there, and nothing was said of errors or warnings."""
    assert len(kinds(notebook, "image/svg+xml")) == FIGURES
    assert len(kinds(notebook, "text/html")) == TABLES
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {
        "stream",
        "display_data",
        "execute_result",
    }
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []


def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    notebook = run(load(), size="small")
    assert_is_whole(notebook)
    path = tmp_path / "ran.ipynb"
    store(notebook, path)
    again = load(path)
    assert sources_sha256(again) == sources_sha256(load())
    assert drawing_of(again, THREE_WAYS) == drawing_of(notebook, THREE_WAYS)
    assert list(home.iterdir()) == []


def test_what_is_stored_comes_from_the_stored_code() -> None:
    notebook = load()
    stored = notebook.metadata["opentrips"]["sources_sha256"]
    assert stored == sources_sha256(notebook), "run it: python -m tests.notebooks.running"
    assert_is_whole(notebook)
    ran = [cell.execution_count for cell in code_cells(notebook)]
    assert ran == list(range(1, len(ran) + 1))


def test_what_is_stored_names_no_machine_and_no_time_of_it() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < MOST_BYTES
    assert str(ROOT) not in text
    assert re.findall(r"/(?:home|root|Users|tmp|var|opt|usr|mnt|work)/", text) == []
    assert "iopub" not in text  # where nbclient keeps when a cell ran


def test_storing_is_repeatable(tmp_path: Path) -> None:
    store(load(), path := tmp_path / "again.ipynb")
    assert path.read_bytes() == NOTEBOOK.read_bytes()


def test_the_picture_of_the_readme_is_that_of_the_notebook() -> None:
    assert PICTURE.read_text(encoding="utf-8") == drawing_of(load(), THREE_WAYS)


def test_a_cell_that_fails_is_named() -> None:
    cell = nbformat.v4.new_code_cell("1 / 0")
    with pytest.raises(CellExecutionError, match="division by zero"):
        run(nbformat.v4.new_notebook(cells=[cell]))


def test_the_kernel_is_this_interpreter() -> None:
    cell = nbformat.v4.new_code_cell("import sys\nprint(sys.executable)")
    notebook = run(nbformat.v4.new_notebook(cells=[cell]))
    assert notebook.cells[0].outputs[0].text.strip() == sys.executable
