import base64
import datetime as dt
import hashlib
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from pydantic import TypeAdapter

from tasks.audit.check import Check
from tasks.audit.exposure import Exposure
from tasks.audit.findings import Effort, Findings
from tasks.audit.membership import Membership
from tasks.audit.one_run import OneRun, Power
from tasks.audit.page import render_audit
from tasks.audit.pairs import PairBound
from tasks.audit.risks import Risk
from tasks.audit.statistics import Estimate
from tasks.release.software import Software
from tests.tasks.release.test_page import Reader

SOFTWARE = Software(opentrips="0.1.0+test", packages={})


def estimate(value: float) -> Estimate:
    return Estimate(value, value - 0.01, value + 0.01)


@pytest.fixture(params=["trip_field", "trip_ends", "trip_net"])
def found(request: pytest.FixtureRequest) -> Findings:
    """A campaign that went as it should."""
    return Findings(
        region="town",
        name="Town <b>",
        service_day=dt.date(2026, 5, 20),
        synthesizer=request.param,
        release_sha256="ab" * 32,
        epsilon=1.0,
        delta=1e-6,
        rows=1234,
        is_quick=False,
        effort=Effort(2),
        power=Power(1.5, 1.2, 1.8, 2.2, 3.6),
        one_runs=tuple(OneRun(seed, 4096, 164, 143, 4.0, 1e-6, 1.52) for seed in range(2)),
        pairs=(
            PairBound("Gaussian", 4.0, 1e-6, 2.1, "score over 3", estimate(0.1), estimate(0.01), 9),
            PairBound("Gaussian", 1.2, 0.05, 1.1, "score over 2", estimate(0.2), estimate(0.02), 9),
        ),
        check=Check("batches are Poisson", "330 draws", 0.4),
        exposures=(
            Exposure("never planted", True, 0, (1.0, 2.0), 4096, 0.4),
            Exposure("planted once", True, 1, (1.0, 3.0), 4096, 0.3),
            Exposure("planted 20 times", False, 20, (12.0, 11.0), 4096, 1e-9),
        ),
        memberships=(
            Membership(True, 16, 617, estimate(0.51), (estimate(0.02), estimate(0.11))),
            Membership(False, 16, 617, estimate(0.93), (estimate(0.4), estimate(0.8))),
        ),
        risks=(Risk("link", "a release", 9, *(estimate(each) for each in (0.3, 0.29, 0.1, 0.02))),),
    )


def changed(found: Findings, name: str, place: int, **fields: Any) -> Findings:
    """The findings with one of their parts changed."""
    part: Any = getattr(found, name)
    if isinstance(part, tuple):
        part = tuple(replace(each, **fields) if i == place else each for i, each in enumerate(part))
    else:
        part = replace(part, **fields)
    return Findings(**{**vars(found), name: part})


def test_findings_survive_their_file(found: Findings) -> None:
    adapter = TypeAdapter(Findings)
    stored = json.dumps(adapter.dump_python(found, mode="json"))
    assert adapter.validate_json(stored) == found


def test_the_page_is_whole_and_asks_nobody_for_anything(found: Findings) -> None:
    page = render_audit(found, SOFTWARE)
    reader = Reader(page)
    assert not [tag for tag, _ in reader.tags if tag in ("script", "img", "iframe", "object")]
    assert not [value for _, pairs in reader.tags for name, value in pairs.items() if name == "src"]
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src &#39;sha256-{digest}" in page or f"style-src 'sha256-{digest}" in page
    assert "Town <b>" not in page
    anchors = {pairs["id"] for _, pairs in reader.tags if pairs.get("id")}
    links = {str(pairs["href"])[1:] for tag, pairs in reader.tags if tag == "a"}
    assert links <= anchors


def test_the_page_states_bounds_power_and_controls(found: Findings) -> None:
    text = " ".join(Reader(render_audit(found, SOFTWARE)).text.split())
    for said in ("1.52", "1.20 to 1.80", "3.60", "2.10", "0.930", "0.731"):
        assert said in text, said
    assert "No attack found more than the guarantee allows. That is no proof" in text
    assert "not private (control)" in text
    assert "pair: Gaussian, delta 0.05" in text
    assert "330 draws agree with it" in text
    assert "Violation" not in text


def test_the_page_says_what_differs_by_synthesizer(found: Findings) -> None:
    text = " ".join(Reader(render_audit(found, SOFTWARE)).text.split())
    said = {
        "trip_field": ("knows every other trip, guesses", "of a day without trips"),
        "trip_ends": ("both ends of a ride, or neither", "of a day without rides"),
        "trip_net": ("are in or out of one training", "drawn independently of each other"),
    }
    for synthesizer, phrases in said.items():
        for phrase in phrases:
            assert (phrase in text) is (synthesizer == found.synthesizer), phrase


def test_all_is_well_where_all_is_well(found: Findings) -> None:
    assert found.violations() == []
    assert found.weaknesses() == []


@pytest.mark.parametrize(
    ("name", "place", "fields", "said"),
    [
        ("one_runs", 1, {"epsilon_lower": 4.2}, "seed 1 proves epsilon 4.2 where 4 is claimed"),
        ("one_runs", 0, {"epsilon_lower": 2.9}, "once in a thousand runs"),
        ("pairs", 0, {"epsilon_lower": 4.5}, "Gaussian: a neighbouring pair proves epsilon 4.5"),
        ("pairs", 1, {"epsilon_lower": 1.3}, "a neighbouring pair proves epsilon 1.3 where 1.2"),
        ("check", 0, {"p_value": 1e-9}, "it is not true that batches are Poisson: 330 draws"),
        ("exposures", 1, {"bits": (12.0,) * 20}, "planted once are exposed by 12.00 bits"),
        ("memberships", 0, {"area": estimate(0.8)}, "better than epsilon allows"),
        ("memberships", 0, {"hits": (estimate(0.2), estimate(0.1))}, "at 1% false alarms"),
    ],
)
def test_a_violation_is_named_on_the_page(
    found: Findings, name: str, place: int, fields: dict[str, Any], said: str
) -> None:
    bad = changed(found, name, place, **fields)
    assert len(bad.violations()) == 1
    assert said in bad.violations()[0]
    text = " ".join(Reader(render_audit(bad, SOFTWARE)).text.split())
    assert "Violation:" in text
    assert "No attack found more" not in text


def test_of_a_hundred_audits_one_that_happens_once_in_a_thousand_is_no_violation(
    found: Findings,
) -> None:
    (run, _) = found.one_runs
    high = replace(run, epsilon_lower=2.9)
    for numbers, said in (((99, 1), 0), ((98, 2), 1)):
        runs = (*(run,) * numbers[0], *(high,) * numbers[1])
        many = Findings(**{**vars(found), "one_runs": runs})
        assert len(many.violations()) == said
    assert "2 of 100 one-run audits prove up to epsilon 2.9" in many.violations()[0]


@pytest.mark.parametrize(
    ("name", "place", "fields", "said"),
    [
        ("exposures", 2, {"p_value": 0.5}, "no trace without privacy"),
        ("exposures", 0, {"p_value": 1e-5}, "never planted look exposed"),
        ("memberships", 1, {"area": estimate(0.5)}, "even without privacy"),
        ("risks", 0, {"success": estimate(0.05)}, "worse than guesses"),
    ],
)
def test_an_attack_that_fails_its_control_is_called_inconclusive(
    found: Findings, name: str, place: int, fields: dict[str, Any], said: str
) -> None:
    weak = changed(found, name, place, **fields)
    assert said in weak.weaknesses()[0]
    assert "Inconclusive here" in render_audit(weak, SOFTWARE)
    assert weak.violations() == []
