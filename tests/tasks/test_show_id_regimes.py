import datetime as dt
import json
from typing import Any

import pytest
import requests

from tasks.region import Region
from tasks.show_id_regimes import show_id_regimes
from tests.tasks.conftest import region_of

DAY = dt.date(2026, 5, 20)
FOUND = {
    "feed": {
        "declared": "static",
        "measured": "per_trip",
        "differs": True,
        "evidence": {"in_ride_visible": False, "sentence": "4711 ids left for good"},
    }
}


def with_adjacency(adjacency: str) -> Region:
    region = region_of("http://a.example/").model_dump(mode="json")
    region["guarantee"]["adjacency"] = adjacency
    return Region.model_validate({**region, "id": "show_ids"})


@pytest.mark.usefixtures("tasks_alone")
@pytest.mark.parametrize(
    ("adjacency", "why"),
    [("zero_out", "4711 ids left for good"), ("add_remove", "in the private manifest")],
)
def test_staff_see_what_a_feed_does_and_numbers_only_where_they_are_public(
    adjacency: str, why: str, prefect_server: str
) -> None:
    show_id_regimes(with_adjacency(adjacency), DAY, FOUND)
    url = f"{prefect_server}/artifacts/id-regime-show-ids-2026-05-20/latest"
    shown: dict[str, Any] = requests.get(url, timeout=30).json()
    assert json.loads(shown["data"]) == [
        {
            "feed": "feed",
            "declared": "static",
            "measured": "per_trip",
            "as declared": "no",
            "shown while ridden": "no",
            "why": why,
        }
    ]
