import base64
import datetime as dt
import hashlib
import re
from typing import Any

import pytest
from pydantic import ValidationError

from tasks.release.checks import Check, Checks
from tasks.release.checks_page import render_checks
from tasks.release.software import Software
from tests.tasks.release.test_page import Reader

SOFTWARE = Software(opentrips="0.1.0+test", packages={})


def check(expected: str, severity: Any = "critical", *, is_met: bool = True, **more: Any) -> Check:
    fields = {"table": "", "found": "so in all 500 rows", **more}
    return Check(expected=expected, severity=severity, is_met=is_met, **fields)


def found(*checks: Check, **changes: Any) -> Checks:
    fields: dict[str, Any] = {
        "region": "town",
        "name": "Town <b>",
        "service_day": dt.date(2026, 5, 20),
        "rows": {"trips": 1234},
        "compared_with": (),
        "checks": checks or (check("hour is between 0 and 23"),),
    }
    return Checks(**fields | changes)


def text_of(checks: Checks) -> str:
    return " ".join(Reader(render_checks(checks, SOFTWARE)).text.split())


def test_the_page_runs_nothing_and_asks_for_nothing() -> None:
    html = render_checks(found(check("area is one of <script>")), SOFTWARE)
    assert "<script" not in html
    assert "Town &lt;b&gt;" in html
    assert not re.search(r"(?:src|href)=\"(?!#|data:,)", html)
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in html
    assert "prefers-color-scheme: dark" in style[1]


def test_what_is_not_met_comes_first_and_the_worst_before_it() -> None:
    checks = found(
        check("one"),
        check("two", "warning"),
        check("three", "warning", is_met=False, found="0.83"),
        check(
            "four",
            is_met=False,
            found="not so in 2 of 500 rows",
            broken_rows=(3, 17),
            values=("24", "25"),
        ),
    )
    assert [each.expected for each in checks.worst_first] == ["four", "three", "one", "two"]
    assert (checks.stops, checks.warns) == (1, 1)
    text = text_of(checks)
    assert text.index("four") < text.index("three") < text.index("so in all 500 rows")
    assert "not so in 2 of 500 rows: rows 3, 17; values 24, 25" in text
    assert "These rows are not published. 1 critical expectation is not met." in text


@pytest.mark.parametrize(
    ("checks", "said", "unsaid"),
    [
        (found(), "All is as expected.", "warning."),
        (found(check("x", "warning", is_met=False)), "1 warning.", "All is as expected"),
        (found(), "There is no earlier release of this region", "compared with:"),
        (
            found(compared_with=(dt.date(2026, 5, 19), dt.date(2026, 5, 18))),
            "compared with: 2026-05-19, 2026-05-18.",
            "There is no earlier release",
        ),
        (
            found(check("x", table="modelled_trips"), rows={"starts": 1, "modelled_trips": 2000}),
            "1 rows of starts, 2,000 rows of modelled trips",
            "so in all 500 rows: rows",
        ),
    ],
)
def test_the_page_says_what_came_of_it(checks: Checks, said: str, unsaid: str) -> None:
    text = text_of(checks)
    assert said in text
    assert unsaid not in text


def test_the_same_is_there_for_machines() -> None:
    checks = found(check("one", is_met=False, broken_rows=(1,)), check("two"))
    assert Checks.model_validate_json(checks.content()) == checks
    with pytest.raises(ValidationError):
        Checks.model_validate({**checks.model_dump(), "checks": ()})
