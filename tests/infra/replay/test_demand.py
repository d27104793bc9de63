import numpy as np
import pytest

from infra.replay.demand import WEEKDAY, WEEKEND, DayType
from infra.replay.land_use import USES


@pytest.mark.parametrize("habits", [WEEKDAY, WEEKEND])
def test_every_land_use_pulls_at_every_hour(habits: DayType) -> None:
    for pulls in (habits.pull_from, habits.pull_to):
        table = habits.table(pulls)
        assert table.shape == (24, len(USES))
        assert (table > 0).all()
    assert (habits.starts(np.arange(0, 24, 0.1)) > 0).all()


def test_offices_fill_in_the_morning_and_empty_in_the_evening() -> None:
    office = USES.index("office")
    to, back = (
        WEEKDAY.table(WEEKDAY.pull_to)[:, office],
        WEEKDAY.table(WEEKDAY.pull_from)[:, office],
    )
    assert to.argmax() == 8
    assert back.argmax() == 17
