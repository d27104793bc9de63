from collections.abc import Callable

import pytest

from tasks.synthesis.char_lstm import CharNetwork
from tasks.tables import CharLstm, PublicTable

MakeNetwork = Callable[..., CharNetwork]


@pytest.fixture
def table() -> PublicTable:
    return PublicTable.model_validate(
        {
            "name": "rides",
            "columns": [
                {"kind": "integer", "name": "hour", "minimum": 0, "maximum": 23},
                {"kind": "category", "name": "area", "values": ["east", "west", "mid"]},
                {"kind": "decimal", "name": "km", "minimum": -1, "maximum": 12.5, "places": 1},
            ],
        }
    )


@pytest.fixture
def make_network(table: PublicTable) -> MakeNetwork:
    """Makes a small network of the table; keyword arguments are settings."""
    small = {"embedding": 6, "units": 8, "layers": 2, "dropout": 0.0, "batch": 3, "epochs": 5}
    return lambda **settings: CharNetwork(table, CharLstm.model_validate({**small, **settings}))


LINES = ["7,west,3.5", "12,mid,-0.2", "23,east,12.5"]
