from hypothesis import given
from hypothesis import strategies as st

from tasks.study.replays import Replays, replays

LINES = st.lists(st.text("ab,1", max_size=3), max_size=30)


@given(LINES, LINES)
def test_replays_are_counted_as_one_by_one(lines: list[str], shown: list[str]) -> None:
    found = replays(lines, shown)
    assert found == Replays(
        sum(line in shown for line in lines), len({line for line in lines if line in shown})
    )
