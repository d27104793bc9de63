import datetime as dt

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tasks.journal import Poll
from tasks.journal.record import decode_poll, decode_sightings, encode, milliseconds
from tasks.schema import POLLS, SIGHTINGS_OF_A_POLL
from tasks.schema.polls import OUTCOMES
from tests.tasks.journal.conftest import poll, sightings

moments = st.datetimes(
    dt.datetime(2000, 1, 1), dt.datetime(2099, 1, 1), timezones=st.just(dt.UTC)
).map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))
polls = st.builds(
    Poll,
    feed=st.text(max_size=5),
    due_at=moments,
    fetched_at=moments,
    outcome=st.sampled_from(OUTCOMES),
    status=st.none() | st.integers(100, 599),
    latency_ms=st.integers(0, 3_600_000),
    bytes=st.integers(0, 1 << 40),
    last_updated=st.none() | moments,
    vehicles=st.integers(0, 10_000_000),
    quarantined=st.dictionaries(st.text(max_size=9), st.integers(1, 1000), max_size=3),
)


@given(polls)
def test_a_poll_comes_back_as_it_was(original: Poll) -> None:
    assert decode_poll(encode(original)) == original
    assert decode_sightings(encode(original)).num_rows == 0


@given(polls)
def test_a_poll_is_a_row_of_the_table_of_polls(original: Poll) -> None:
    row = pa.Table.from_pylist([original.row()], schema=POLLS.arrow()).to_pylist()[0]
    assert row["fetched_at"] == original.fetched_at
    assert dict(row["quarantined"]) == original.quarantined
    assert row["status"] == original.status


def test_sightings_come_back_as_they_were() -> None:
    batch = sightings([f"vehicle-{i}" for i in range(50)])
    payload = encode(poll(0, 50), batch)
    assert decode_sightings(payload) == batch
    assert decode_sightings(payload).schema == SIGHTINGS_OF_A_POLL
    assert decode_poll(payload).vehicles == 50


def test_times_are_cut_to_milliseconds() -> None:
    moment = dt.datetime(2026, 5, 20, 1, 2, 3, 999_999, dt.UTC)
    assert milliseconds(moment) == 1_779_238_923_999
