"""The privacy card for machines."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.privacy.weighted_counts import WeightedMeasurement
from tasks.region import Region
from tasks.release.audits import AUDITED, AUDITS, SETTINGS
from tasks.release.card import render_card
from tasks.release.formats.privacy import privacy
from tasks.release.manifest import GaussianCounts, PublicManifest
from tasks.release.text import as_json, markdown
from tasks.release.words_of_privacy import budget_shares, statements

ROOT = Path(__file__).parents[4]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ASKED = {
    *("unit", "adjacency", "day", "series", "mechanism", "sampling", "accountant", "budget"),
    *("public", "not_protected", "tuning", "randomness", "audits", "limits", "observers"),
}

MakeManifest = Callable[..., PublicManifest]


@pytest.mark.parametrize("name", ["model", "vehicle_model", "field_model", "ends_model"])
def test_every_question_is_answered_alike_for_people_and_machines(
    name: str, region: Region, make_manifest: MakeManifest, request: pytest.FixtureRequest
) -> None:
    rows = {"starts": 9, "ends": 8, "modelled_trips": 7} if "ends" in name else {"trips": 9}
    manifest = make_manifest(region, model=request.getfixturevalue(name), rows=rows)
    document, card = json.loads(as_json(privacy(manifest))), render_card(manifest)
    assert set(document["statements"]) == ASKED
    for statement in statements(manifest):
        assert document["statements"][statement.name] == statement.text
        assert f"| {statement.title} | {markdown(statement.text)} |" in card
    people = {each["units"]: each for each in document["of_a_person"]}
    assert {1, 2, 10, 100} <= set(people)
    assert (people[1]["epsilon"], people[1]["delta"]) == (document["epsilon"], document["delta"])
    assert people[100]["delta"] == 1.0


def test_shares_are_those_of_the_accountant(
    region: Region, make_manifest: MakeManifest, field_model: dict[str, Any]
) -> None:
    """What was asked for is what is told."""
    measurement = WeightedMeasurement.within(6.3, {"hours": (24, 1, 0.25), "ends": (64, 2, 0.75)})
    field_model["privacy"]["mechanism"] |= measurement.describe()
    manifest = make_manifest(region, model=field_model)
    assert isinstance(manifest.mechanism, GaussianCounts)
    found = {share.name: share for share in budget_shares(manifest.mechanism)}
    assert found["hours"].share == pytest.approx(0.25, abs=0.01)
    assert found["ends"].share == pytest.approx(0.75, abs=0.01)
    assert list(found) == ["ends", "hours"]
    assert found["ends"].stddev == measurement.tables[1].stddev
    assert "ends 7" in privacy(manifest)["statements"]["budget"]


def test_a_noisy_count_takes_its_part(
    region: Region, make_manifest: MakeManifest, vehicle_model: dict[str, Any]
) -> None:
    manifest = make_manifest(region, model=vehicle_model)
    document = privacy(manifest)
    assert document["count_epsilon"] == 0.05
    assert "takes epsilon 0.05" in document["statements"]["budget"]
    assert "number of rows" not in document["statements"]["public"]
    assert "took place" not in document["statements"]["not_protected"]
    assert (document["unit"], document["max_trips_per_vehicle"]) == ("vehicle_day", 4)
    assert privacy(make_manifest(region))["count_epsilon"] is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("model", "Every trip belongs to exactly one service day, so for one trip the whole"),
        ("vehicle_model", "belongs to exactly that service day, so for one vehicle and day the"),
        ("ends_model", "half of the budget each, and each of them belongs to exactly one"),
    ],
)
def test_days_compose_in_parallel_by_what_belongs_to_one_day(
    name: str,
    said: str,
    region: Region,
    make_manifest: MakeManifest,
    request: pytest.FixtureRequest,
) -> None:
    rows = {"starts": 9, "ends": 8, "modelled_trips": 7} if "ends" in name else {"trips": 9}
    manifest = make_manifest(region, model=request.getfixturevalue(name), rows=rows)
    assert said in privacy(manifest)["statements"]["series"]


def test_what_audits_proved_is_what_the_readme_says() -> None:
    rows = {
        cells[0].strip(): [cell.strip() for cell in cells[1:]]
        for line in README.splitlines()
        if line.startswith("| ")
        for cells in [line.strip("|").split("|")]
    }
    for column, name in enumerate(("trip_field", "trip_net")):
        one_run, nearly_all, tiny = AUDITS[name]
        assert numbers(rows["three seeds gave"][column]) == list(one_run.proven)
        proven = numbers(rows["pairs at delta 0.05: proven, accounted for"][column])
        assert proven == [*nearly_all.proven, nearly_all.accounted]
        proven = numbers(rows["pairs at delta 10⁻⁶: proven, accounted for"][column])
        assert proven == [*tiny.proven, tiny.accounted]
    assert "300 steps at a learning rate of 0.015 and no days before" in " ".join(README.split())
    assert "300 steps at a learning rate of 0.015 and no days before" in SETTINGS["trip_net"]
    assert AUDITED.split()[:2] == ["opentrips", "0.1.0"]
    for audit in (audit for audits in AUDITS.values() for audit in audits):
        assert max(audit.proven) <= audit.accounted


def numbers(cell: str) -> list[float]:
    return [float(number) for number in re.findall(r"[\d.]+", cell)]
