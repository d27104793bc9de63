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
from tasks.release.tables import SCHEMAS
from tasks.release.words import cautions
from tests.tasks.release.test_page import Reader

ROWS = {"starts": 1500, "ends": 1450, "modelled_trips": 1449}
MakeManifest = Callable[..., PublicManifest]


@pytest.fixture
def model(model: dict[str, Any]) -> dict[str, Any]:
    """The statement of a `trip_ends`."""
    table = {"cells": 600, "distinct": 1, "multiplier": 2, "sigma": "31"}
    mechanism = {
        "name": "gaussian_counts",
        "noise_multiplier": 4.22,
        "trips_per_unit": 1,
        "tables": [{**table, "name": f"{kind}_cells"} for kind in ("start", "end")],
    }
    privacy = {**model["privacy"], "mechanism": mechanism}
    return {**model, "synthesizer": {"name": "trip_ends", "steps": 400}, "privacy": privacy}


@pytest.fixture
def tables(region: Region, make_rows: Callable[[Region, int], pa.Table]) -> dict[str, pa.Table]:
    trips = make_rows(region, ROWS["starts"])
    columns = {name: trips[name] for name in trips.column_names}
    columns |= {"start_hour": columns["hour"]}
    ends = {"starts": "origin", "ends": "destination"}
    found = {}
    for name, rows in ROWS.items():
        end = ends.get(name, "")
        places = {axis: columns.get(f"{end}_{axis}") for axis in ("latitude", "longitude")}
        values = [{**columns, **places}[column] for column in SCHEMAS[name].names]
        found[name] = pa.table(values, names=SCHEMAS[name].names).slice(0, rows)
    return found


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
    region: Region, make_manifest: MakeManifest, tables: dict[str, pa.Table]
) -> None:
    page = render_page(make_manifest(region, rows=ROWS), tables)
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
    ends = np.bincount(tables["ends"]["hour"].to_numpy(), minlength=24)
    assert f"07:00 {ends[7]}" in text


def test_a_small_day_of_ends_is_cautioned(region: Region, make_manifest: MakeManifest) -> None:
    few = {"starts": 999, "ends": 999, "modelled_trips": 999}
    (caution,) = cautions(make_manifest(region, rows=few))
    assert "with 999 starts the noise" in caution
