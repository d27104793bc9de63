import base64
import hashlib
import math
import re
from dataclasses import replace
from functools import cache

import numpy as np
import pyarrow as pa

from tasks.quality.page import About, render_quality
from tasks.quality.references import Beside
from tasks.quality.report import Report, assess_table
from tasks.quality.trends import Trend
from tasks.quality.trips import Difference
from tasks.region import Box
from tasks.release.software import Software
from tasks.tables import PublicTable
from tests.tasks.quality.conftest import people
from tests.tasks.release.test_page import Reader

SOFTWARE = Software(opentrips="0.1.0+test", packages={})
ABOUT = About("Town <b>", "a run", "rows <i>", "Half of them <u> is held out.")
BOX = Box(name="town", south=52.3, west=10.6, north=52.5, east=10.9)


SCHEMA = PublicTable.model_validate(
    {
        "name": "people",
        "columns": [
            {"kind": "integer", "name": "age", "minimum": 0, "maximum": 99},
            {"kind": "decimal", "name": "income", "minimum": -90000, "maximum": 90000, "places": 2},
            {"kind": "date", "name": "born", "minimum": "1980-01-01", "maximum": "2000-01-01"},
            {"kind": "category", "name": "job", "values": ["clerk", "nurse", "smith"]},
            {"kind": "category", "name": "married", "values": ["true", "false"]},
            {"kind": "text", "name": "id<s>", "alphabet": "0123456789", "max_length": 9},
        ],
    }
)


def with_ids(table: pa.Table) -> pa.Table:
    return table.append_column("id<s>", pa.array([f"{i}" for i in range(len(table))]))


@cache
def report() -> Report:
    """Of a table with every kind of column, one of them named to do harm."""
    rows = [with_ids(people(number, seed)) for number, seed in ((90, 1), (80, 2), (80, 3))]
    rows[0] = rows[0].set_column(3, "job", pa.array(["<script>", *rows[0]["job"].to_pylist()[1:]]))
    return assess_table(rows[0], rows[1], rows[2], SCHEMA, valid=0.9)


@cache
def maps() -> tuple[Difference, ...]:
    deviations = np.zeros((11, 10))
    deviations[:5, 0] = [-9, -3, 0.5, 3, 9]
    return tuple(Difference(BOX, end, 2000, deviations) for end in ("origin", "destination"))


def page() -> str:
    return render_quality(report(), ABOUT, SOFTWARE, maps())


def words_of(page: str) -> str:
    return " ".join(Reader(page).text.split())


def test_the_page_is_whole_and_asks_nobody_for_anything() -> None:
    reader = Reader(page())
    assert not [tag for tag, _ in reader.tags if tag in ("script", "img", "iframe", "object")]
    for _, attributes in reader.tags:
        assert "src" not in attributes
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
    style = re.search(r"<style>(.*?)</style>", page(), re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page()
    assert "default-src 'none'" in page()
    anchors = {names["id"] for _, names in reader.tags if names.get("id")}
    links = {str(names["href"])[1:] for tag, names in reader.tags if tag == "a"}
    assert links <= anchors
    assert len(links) == 8


def test_nothing_that_it_shows_is_taken_for_markup() -> None:
    for harm in ("Town <b>", "rows <i>", "<u>", "id<s>", "<script>"):
        assert harm not in page()
    assert "id<s>" in words_of(page())


def test_it_is_marked_as_internal_before_any_figure() -> None:
    text = words_of(page())
    assert text.index("Internal. Not publishable.") < text.index("Score of 100")
    assert text.count("not publishable") + text.count("Not publishable") == 2
    assert "<title>Internal: " in page()
    assert 'name="robots" content="noindex' in page()


def test_every_figure_stands_beside_its_references() -> None:
    text = words_of(page())
    scores = report().scores
    for score in (scores.synthetic, scores.held_out, scores.bootstrap):
        assert f"{score.overall:.1f} {score.grade}" in text
    for figure in report().figures:
        value = figure.value
        bootstrap = "-" if value.bootstrap is None else f"{value.bootstrap:.3f}"
        row = (
            f"{figure.title} {figure.best:g} {value.synthetic:.3f} {value.held_out:.3f} {bootstrap}"
        )
        assert row in text
    for field in report().fields:
        shown = "{:.3f}; held out {:.3f}, bootstrap {:.3f}"
        value = field.similarity
        assert shown.format(value.synthetic, value.held_out, value.bootstrap) in text
    assert "Of texts the lengths are compared" in text


def test_what_a_table_does_not_have_is_left_out() -> None:
    only = [people(40, seed).select(["job"]) for seed in (1, 2, 3)]
    found = render_quality(assess_table(only[0], only[1], only[2]), ABOUT, SOFTWARE)
    text = words_of(found)
    for absent in ("Maps of difference", "Pairs of columns", "Principal components"):
        assert absent not in text
    assert "lengths are compared" not in text


def test_a_report_without_a_known_pair_has_a_page() -> None:
    nothing = Trend(("a", "b"), Beside(math.nan, math.nan, math.nan), (math.nan, math.nan))
    found = replace(report(), trends=(nothing,))
    assert "largest: none" in render_quality(found, ABOUT, SOFTWARE)
