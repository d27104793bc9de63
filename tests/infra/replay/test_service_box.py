import pytest

from infra.replay.service_box import LOUISVILLE, ServiceBox, parse_box
from infra.replay.source import ReplayError


def test_a_box_reads_what_it_prints() -> None:
    assert parse_box(str(LOUISVILLE)) == LOUISVILLE
    assert parse_box("-33.95, 151.1, -33.8, 151.3") == ServiceBox(-33.95, 151.1, -33.8, 151.3)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("1,2,3", "is no box"),
        ("1,2,3,4,5", "is no box"),
        ("a,b,c,d", "is no box"),
        ("2,1,1,2", "not on the map"),
        ("1,2,2,1", "not on the map"),
        ("nan,1,2,2", "not on the map"),
        ("-89,1,2,2", "not on the map"),
        ("1,1,1.005,2", "at least 0.01"),
        ("70,1,71,1.01", "at least 500 m"),
    ],
)
def test_no_box(text: str, complaint: str) -> None:
    with pytest.raises(ReplayError, match=complaint):
        parse_box(text)
