from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.comparison import Study
from tasks.files import Layout

NETWORK = {"embedding": 4, "units": 8, "layers": 1, "epochs": 1, "batch": 20, "dropout": 0}
GUARANTEE = {"epsilon": 0.1, "delta": 1e-5}
PRIVATE = {"name": "C3", "synthesizer": NETWORK, "guarantee": GUARANTEE}

SMALL: dict[str, Any] = {
    "name": "small",
    "table": {
        "name": "small",
        "columns": [
            {"kind": "category", "name": "area", "values": ["east", "north", "south", "west"]},
            {"kind": "integer", "name": "hour", "minimum": 0, "maximum": 23},
            {"kind": "integer", "name": "weight", "minimum": 0, "maximum": 99},
        ],
    },
    "data": {"kind": "file"},
    "training_rows": 60,
    "held_out_rows": 40,
    "canaries": {"number": 5, "candidates": 50},
    "generated_rows": 50,
    "configurations": [
        {"name": "C1", "synthesizer": NETWORK, "published": {"identical_rows": 0}},
        {**PRIVATE, "against": "C1", "note": "smaller <b>"},
    ],
    "repetition": {
        "copies": [1, 30],
        "synthesizer": NETWORK,
        "guarantee": GUARANTEE,
        "generated_rows": 50,
    },
}

MakeStudy = Callable[..., Study]


def write_rows(path: Path, rows: int = 120) -> Path:
    """A file of rows of the small table."""
    generator = np.random.default_rng(1)
    lines = [
        f"{('east', 'west')[generator.integers(2)]}, {generator.integers(6, 12)}, {weight}\n"
        for weight in generator.integers(100, size=rows)
    ]
    path.write_text("".join(lines))
    return path


@pytest.fixture
def make_study(tmp_path: Path) -> MakeStudy:
    """Makes a study of tiny networks on rows of a file; keyword arguments replace its fields."""
    data = {"kind": "file", "path": str(write_rows(tmp_path / "rows.csv"))}
    return lambda **changes: Study.model_validate({**SMALL, "data": data, **changes})


@pytest.fixture
def layout(data_root: Path) -> Layout:
    return Layout(data_root)
