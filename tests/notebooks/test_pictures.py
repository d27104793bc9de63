import base64
import re
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from tests.notebooks import pictures
from tests.notebooks.pictures import render, sections_of
from tests.notebooks.running import load

SVG = '<svg xmlns="http://www.w3.org/2000/svg"><title>a map &amp; more</title></svg>'


def shown(data: dict[str, str]) -> NotebookNode:
    output = nbformat.v4.new_output("execute_result", data)
    cell: NotebookNode = nbformat.v4.new_code_cell("pass", outputs=[output])
    return cell


def notebook() -> NotebookNode:
    say = nbformat.v4.new_markdown_cell
    cells = [
        say("# The way"),
        nbformat.v4.new_code_cell("import os"),
        say("## Maps <b>\n\nWhere."),
        shown({"image/svg+xml": SVG, "text/plain": "seen <i>"}),
        say("More words."),
        shown({"text/html": "<table></table>", "text/plain": "a table"}),
        say("## Nothing is shown here"),
        shown({"text/plain": "{'moves': 3}"}),
    ]
    made: NotebookNode = nbformat.v4.new_notebook(cells=cells)
    return made


def test_what_is_shown_stands_below_its_heading() -> None:
    (section,) = sections_of(notebook())
    assert section.title == "Maps <b>"
    picture, table = section.shown
    assert picture.words == "a map & more"
    assert base64.b64decode(picture.image.partition("base64,")[2]).decode() == SVG
    assert (table.table, table.caption) == ("<table></table>", "a table")


def test_words_are_escaped_and_nothing_is_asked_of_a_server() -> None:
    page = render(notebook())
    assert "Maps &lt;b&gt;" in page
    assert "seen &lt;i&gt;" in page
    assert "<script" not in page
    assert re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page) == []


def test_the_page_has_every_picture_of_the_stored_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "page.html"
    monkeypatch.setattr("sys.argv", ["pictures", str(path)])
    pictures.main()
    assert str(path) in capsys.readouterr().out
    page = path.read_text(encoding="utf-8")
    outputs = [output for cell in load().cells for output in cell.get("outputs", ())]
    kinds = [kind for output in outputs for kind in output.get("data", {})]
    assert page.count("<img") == kinds.count("image/svg+xml") > 0
    assert page.count("<table") == kinds.count("text/html") > 0
    assert "<nav" in page
