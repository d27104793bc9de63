import base64
import hashlib
import re
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from tasks.files import Layout, read_manifest, verify_files
from tasks.region import Region, TripNet
from tasks.search import Search
from tasks.tuning.campaign import proposed
from tasks.tuning.results import PAGE, RUNS, WINNER, conclude, winner_yaml
from tasks.tuning.trial import Outcome, Trial, save_outcome
from tests.tasks.conftest import town
from tests.tasks.release.test_page import Reader
from tests.tasks.tuning.conftest import MakeSearch, scored, stage


def finish(search: Search, trial: Trial, layout: Layout, utility: float | None) -> None:
    """Leave the record of a run that came so close; None: it was rejected."""
    distance = None if utility is None else 1 - utility
    figures = {} if distance is None else {str(name): distance for name in search.figures}
    said = "4.0% of rows valid after 1 of 10 steps, under <30.0%" if utility is None else ""
    valid = 0.04 if utility is None else 0.9
    directory = trial.record(layout, search)
    save_outcome(directory, search, trial, Outcome(10, valid, figures, said, 1.5))


def finish_all(search: Search, layout: Layout, *stages: list[float | None]) -> None:
    """Leave records of all runs, by stage and candidate."""
    for index, utilities in enumerate(stages):
        for trial, utility in zip(proposed(search, index, layout), utilities, strict=True):
            finish(search, trial, layout, utility)


@pytest.fixture
def search(make_search: MakeSearch) -> Search:
    return make_search(
        stages=[
            {
                "axes": [
                    {"setting": "optimizer", "values": ["adam", "sgd"]},
                    {"setting": "learning_rate", "values": [0.01, 0.1, 1.0]},
                    {"setting": "noise_multiplier", "values": [4.0]},
                ]
            },
            stage("steps", [5, 20]),
            stage("noise_multiplier", [6.0, 8.0], "last_valid"),
        ]
    )


def test_a_search_leaves_a_table_a_page_and_the_winner(search: Search, layout: Layout) -> None:
    finish_all(search, layout, [0.5, 0.7, 0.6, 0.1, 0.2, None], [0.65, 0.7], [0.8, 0.7])
    found = conclude(search, layout)
    directory = layout.search("small")
    manifest = read_manifest(directory)
    assert manifest is not None
    verify_files(directory, manifest)
    assert set(manifest["files"]) == {PAGE, RUNS, WINNER}
    assert Search.model_validate(manifest["search"]) == search
    assert found.page == directory / PAGE

    table = pq.read_table(directory / RUNS)
    assert table.num_rows == 6 + 2 + 2
    rows = table.to_pylist()
    assert [row["rejected"] is None for row in rows].count(False) == 1
    assert rows[1]["pairs_5km"] == pytest.approx(0.3)
    assert rows[5]["pairs_5km"] is None
    assert [row["outcome"] for row in found.rows].count("chosen") == 1
    assert found.rows[-1]["outcome"] == "chosen"
    assert found.rows[5]["outcome"] == "rejected"
    assert found.rows[8]["outcome"] == "on the front"
    assert len(found.rejected) == 1

    # again, with nothing new: the same bytes
    before = (directory / "manifest.json").read_bytes()
    conclude(search, layout)
    assert (directory / "manifest.json").read_bytes() == before


def test_the_winner_goes_into_the_file_of_a_region_as_it_is(search: Search, layout: Layout) -> None:
    finish_all(search, layout, [0.5, 0.7, 0.6, 0.1, 0.2, None], [0.65, 0.6], [0.8, 0.7])
    found = conclude(search, layout)
    assert found.winner == (layout.search("small") / WINNER).read_text()
    file = town("town").model_dump(mode="json", exclude={"synthesizer", "guarantee"})
    text = yaml.safe_dump(file) + found.winner
    region = Region.model_validate(yaml.safe_load(text))
    assert region.synthesizer == TripNet(
        levels=1, hidden_units=8, steps=5, reserve_steps=0, learning_rate=0.1
    )
    cost = found.rows[-1]["epsilon"]
    assert cost <= region.guarantee.epsilon < cost + 0.001
    assert region.guarantee.delta == 1e-6


def test_noise_that_was_given_promises_what_it_costs_rounded_up(make_search: MakeSearch) -> None:
    search = make_search()
    dear, cheap = (
        yaml.safe_load(winner_yaml(search, scored(search, {"epsilon": epsilon}, 0.5)))
        for epsilon in (10.0, 0.66601)
    )
    assert dear["guarantee"]["epsilon"] == 10
    assert cheap["guarantee"]["epsilon"] == 0.667


def test_a_region_may_not_promise_what_noise_far_too_small_costs(
    make_search: MakeSearch, layout: Layout
) -> None:
    search = make_search(stages=[stage("noise_multiplier", [0.5])])
    finish_all(search, layout, [0.5])
    winner = conclude(search, layout).winner
    assert winner is not None
    assert "more than a region may promise: the guarantee is yours to set" in winner
    assert set(yaml.safe_load(winner)) == {"synthesizer"}


def page_of(search: Search, layout: Layout) -> str:
    return conclude(search, layout).page.read_text(encoding="utf-8")


def test_the_page_is_whole_and_asks_nobody_for_anything(search: Search, layout: Layout) -> None:
    finish_all(search, layout, [0.5, 0.7, 0.6, 0.1, 0.2, None], [0.65, 0.7], [0.8, 0.7])
    page = page_of(search, layout)
    reader = Reader(page)
    assert not [tag for tag, _ in reader.tags if tag in ("script", "img", "iframe", "object")]
    assert not [value for _, pairs in reader.tags for name, value in pairs.items() if name == "src"]
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page
    assert "<30.0%" not in page
    anchors = {pairs["id"] for _, pairs in reader.tags if pairs.get("id")}
    links = {str(pairs["href"])[1:] for tag, pairs in reader.tags if tag == "a"}
    assert {"chosen", "plots", "candidates", "rejected", "how"} <= links <= anchors
    text = " ".join(reader.text.split())
    for said in (
        "10 runs of 10 candidates in 3 stages on simulated days of 300 trips (transit).",
        "Stage 1, steps 10, optimizer sgd, learning rate 1.0, epsilon",
        "transit, seed 1: 4.0% of rows valid after 1 of 10 steps",
        "Stage 1 varied optimizer, learning rate, noise multiplier and chose the highest utility.",
        "Stage 3 varied noise multiplier and chose the last value before rows were too seldom",
        "optimizer: adam",
    ):
        assert said in text, said


def test_the_plots_hold_every_candidate_but_of_one_place_the_best(
    search: Search, layout: Layout
) -> None:
    finish_all(search, layout, [0.5, 0.7, 0.6, 0.1, 0.2, None], [0.65, 0.7], [0.8, 0.7])
    page = page_of(search, layout)
    plots = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(plots) == 4
    adam, sgd, size, front = plots
    keys = 2  # of the colours
    assert (adam.count("<circle"), sgd.count("<circle")) == (7, 3)
    assert size.count("<circle") == 4 + keys  # of each optimizer the best at each place
    assert front.count("<circle") == 9 + keys
    assert sgd.count('class="bubble s1 out"') == 1
    ends = [re.findall(r'text-anchor="middle"[^>]*>([^<]*)<', plot) for plot in (adam, sgd)]
    assert ends[0] == ends[1] != []
    points = re.search(r'class="front" points="([^"]*)"', front)
    assert points is not None
    (x1, y1), (x2, y2) = (map(float, each.split(",")) for each in points[1].split())
    assert x1 < x2
    assert y1 > y2  # upwards
    for plot in plots:
        for x, y in re.findall(r'cx="([^"]*)" cy="([^"]*)"', plot):
            assert 0 < float(x) < 640
            assert 0 < float(y) < 360


def test_where_nothing_is_valid_the_page_says_so(search: Search, layout: Layout) -> None:
    finish_all(search, layout, [None] * 6)
    found = conclude(search, layout)
    assert found.winner is None
    assert len(found.rejected) == 6
    assert not (layout.search("small") / WINNER).exists()
    page = found.page.read_text(encoding="utf-8")
    assert "<strong>Nothing was chosen:</strong> stage 1 left no candidate" in page
    assert "winner.yaml" not in page


def test_a_field_is_shown_by_its_steps(make_search: MakeSearch, layout: Layout) -> None:
    changes: dict[str, Any] = {"synthesizer": {"name": "trip_field"}}
    search = make_search(
        **changes, stages=[stage("noise_multiplier", [4.0, 8.0]), stage("steps", [50, 100])]
    )
    finish_all(search, layout, [0.5, 0.6], [0.5, 0.6])
    page = page_of(search, layout)
    assert page.count("<svg") == 2
    assert "Invalid rows by steps" in page
