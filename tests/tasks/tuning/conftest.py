from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.files import Layout
from tasks.search import Search
from tasks.tuning.candidates import Candidate
from tasks.tuning.scores import Score, score
from tasks.tuning.trial import Outcome, Trial

SMALL: dict[str, Any] = {
    "name": "small",
    "data": {"kind": "simulated", "cities": ["transit"], "trips": 300},
    "synthesizer": {
        "name": "trip_net",
        "levels": 1,
        "hidden_units": 8,
        "steps": 10,
        "reserve_steps": 0,
    },
    "stages": [
        {
            "axes": [
                {"setting": "learning_rate", "values": [0.05, 0.5]},
                {"setting": "noise_multiplier", "values": [4.0]},
            ]
        }
    ],
    "rejection": {"least_valid": 0.3, "rows": 200},
    "least_valid": 0.4,
}

TABLE: dict[str, Any] = {
    "name": "table",
    "data": {"kind": "table", "tables": ["ratings"], "rows": 150},
    "synthesizer": {
        "name": "char_lstm",
        "embedding": 8,
        "units": 12,
        "layers": 1,
        "dropout": 0.0,
        "batch": 25,
        "epochs": 5,
    },
    "epsilon": None,
    "stages": [
        {
            "axes": [
                {"setting": "optimizer", "values": ["adam", "sgd"]},
                {"setting": "learning_rate", "values": [0.002, 0.05]},
            ]
        }
    ],
    "figures": ["columns", "column_pairs"],
    "rejection": {"least_valid": 0.0, "rows": 60},
    "least_valid": 0.0,
}
"""A search of a character network on a simulated table, of 30 steps a run."""

MakeSearch = Callable[..., Search]


@pytest.fixture
def make_search() -> MakeSearch:
    """Makes a search of ten steps on 300 trips; keyword arguments replace its fields."""
    return lambda **changes: Search.model_validate({**SMALL, **changes})


@pytest.fixture
def layout(data_root: Path) -> Layout:
    return Layout(data_root)


def stage(setting: str, values: list[Any], choose: str = "best") -> dict[str, Any]:
    return {"axes": [{"setting": setting, "values": values}], "choose": choose}


def scored(
    search: Search,
    changes: dict[str, Any],
    utility: float | None,
    *,
    valid: float = 0.9,
    number: int = 1,
) -> Score:
    """A candidate with one run that came so close; None: it was rejected."""
    candidate = Candidate.first(search).changed(changes)
    epsilon = candidate.value if candidate.given == "epsilon" else search.epsilon
    trial = Trial(candidate.settings, epsilon, 1e-6, 4.5, "transit", 1, f"key-{changes}")
    distance = None if utility is None else 1 - utility
    figures = {} if distance is None else {str(name): distance for name in search.figures}
    outcome = Outcome(10, valid, figures, "too few" if utility is None else "", 1.0)
    return score(search, number, candidate, [(trial, outcome)])
