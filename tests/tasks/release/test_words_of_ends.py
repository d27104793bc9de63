"""What card and page say of a release of starts, ends and modelled trips."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tasks.region import Region
from tasks.release.card import render_card
from tasks.release.manifest import PublicManifest
from tasks.release.page import render_page
from tasks.release.words import cautions
from tests.tasks.release.conftest import ROWS_OF_ENDS as ROWS
from tests.tasks.release.test_page import Reader

MakeManifest = Callable[..., PublicManifest]


@pytest.fixture
def model(ends_model: dict[str, Any]) -> dict[str, Any]:
    return ends_model


def private(model: dict[str, Any]) -> dict[str, Any]:
    count = {"sensitivity": 1, "scale": "40"}
    return {**model, "privacy": {**model["privacy"], "adjacency": "add_remove", "count": count}}


def test_the_card_says_what_is_protected_and_what_was_not_observed(
    region: Region, make_manifest: MakeManifest
) -> None:
    card = render_card(make_manifest(region, rows=ROWS))
    for words in (
        "| Synthetic starts | 1,500 |",
        "| Modelled trips | 1,449 |",
        "for one ride, adjacency zero\\_out",
        "one ride, its start and its end together",
        "2.72 times",
        "the 1,500 starts and the 1,450 ends are exactly as many",
        "ids are never linked again",
        "reservations, vehicles that are brought or taken away",
        "2 tables of 1,200 cells",
        "The 1,449 modelled trips were not observed",
        "python -m tests.benchmarks.trip\\_ends\\_quality",
        "| Rides of one person in the day |",
        "### modelled_trips",
        'pd.read_parquet("ends.parquet")',
    ):
        assert words in card, words
    assert "| Rows |" not in card


def test_private_numbers_are_said_to_be_noisy(
    region: Region, make_manifest: MakeManifest, model: dict[str, Any]
) -> None:
    card = render_card(make_manifest(region, rows=ROWS, model=private(model)))
    assert "1,500 and 1,450 are counts of them, each with noise of standard deviation 57" in card
    assert "and that it took place" in card
    assert "exactly as many" not in card


def test_the_page_shows_all_three_tables(
    region: Region, make_manifest: MakeManifest, ends_tables: dict[str, pa.Table]
) -> None:
    page = render_page(make_manifest(region, rows=ROWS), ends_tables)
    text = " ".join(Reader(page).text.split())
    for words in (
        "Where rides start and end",
        "Synthetic starts 1,500 Synthetic ends 1,450 Modelled trips 1,449",
        "Epsilon, for one ride",
        "Ends per hour",
        "Modelled trips per distance",
        "start_hour",
        "by number of rides in the day",
    ):
        assert words in text, words
    ends = np.bincount(ends_tables["ends"]["hour"].to_numpy(), minlength=24)
    assert f"07:00 {ends[7]}" in text


def test_a_small_day_of_ends_is_cautioned(region: Region, make_manifest: MakeManifest) -> None:
    few = {"starts": 999, "ends": 999, "modelled_trips": 999}
    (caution,) = cautions(make_manifest(region, rows=few))
    assert "with 999 starts the noise" in caution
