"""Training without privacy is out of reach of everything that makes a release."""

import pytest

from tests.tasks.quality.test_stays_private import ROOT, way_to

RELEASING = ("collect", "train", "release", "backfill", "revise", "audit")


@pytest.mark.parametrize("flow", RELEASING)
def test_no_flow_of_a_release_reaches_training_without_privacy(flow: str) -> None:
    path = ROOT / "flows" / f"{flow}.py"
    assert path.is_file()
    assert way_to("tasks.synthesis.char_lstm.plain", [path], ROOT) == []


def test_a_search_reaches_it() -> None:
    way = way_to("tasks.synthesis.char_lstm.plain", [ROOT / "flows" / "tune.py"], ROOT)
    assert way[-1] == ROOT / "tasks" / "tuning" / "char_lstm.py"
