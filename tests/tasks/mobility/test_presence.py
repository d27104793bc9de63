import itertools

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tasks.mobility.presence import Presence
from tasks.schema import POLLS


def polls(rows: list[tuple[int, str]]) -> pa.Table:
    filler = {"feed": "f", "latency_ms": 1, "bytes": 0, "vehicles": 0, "quarantined": []}
    return pa.Table.from_pylist(
        [{"due_at": t, "fetched_at": t, "outcome": outcome, **filler} for t, outcome in rows],
        schema=POLLS.arrow(),
    )


def test_not_modified_confirms_the_positions_of_the_answer_before() -> None:
    presence = Presence.of_polls(
        polls(
            [(0, "ok"), (60, "not_modified"), (120, "timeout"), (180, "not_modified"), (240, "ok")]
        )
    )
    seen = np.array([0, 240])
    assert presence.still_there(seen).tolist() == [180, 240]


def test_failed_polls_leave_the_feed_unseen() -> None:
    presence = Presence.of_polls(
        polls([(0, "ok"), (60, "http_error"), (120, "timeout"), (180, "ok")])
    )
    assert presence.longest_blindness(np.array([0]), np.array([180])).tolist() == [180]


@given(
    st.lists(st.integers(0, 100), unique=True),
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), min_size=1),
)
def test_longest_blindness_is_the_widest_hole(
    times: list[int], intervals: list[tuple[int, int]]
) -> None:
    presence = Presence.of_polls(polls([(t, "ok") for t in times]))
    starts, ends = np.sort(np.array(intervals), axis=1).T
    widest = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        edges = [start, *sorted(t for t in times if start < t < end), end]
        widest.append(max(y - x for x, y in itertools.pairwise(edges)))
    assert presence.longest_blindness(starts, ends).tolist() == widest


def test_without_an_answered_poll_a_sighting_stands_for_itself() -> None:
    presence = Presence.of_polls(polls([(0, "timeout")]))
    assert presence.still_there(np.array([5])).tolist() == [5]
