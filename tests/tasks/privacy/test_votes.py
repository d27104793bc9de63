from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tasks.privacy.errors import StepsSpentError
from tasks.privacy.votes import NoisyVotes, NoisyVotesRun

VOTES = NoisyVotes(teachers=60, labels=3, sigma=Fraction(4), queries=20)

Record = tuple[int, int]


def teacher_of(shard: list[Record]) -> Callable[[int], int]:
    """A model of its own: the label most seen in its shard for the question's parity."""

    def vote(question: int) -> int:
        seen = np.bincount([label for x, label in shard if x % 2 == question % 2], minlength=3)
        return int(np.argmax(seen))

    return vote


def fixed_vote(label: int, question: int) -> int:
    return label


def run_on(records: list[Record], votes: NoisyVotes = VOTES) -> NoisyVotesRun:
    shards = votes.begin()
    teacher = shards.of([repr(record).encode() for record in records])
    return shards.ask(
        [
            teacher_of([record for record, own in zip(records, teacher, strict=True) if own == i])
            for i in range(votes.teachers)
        ]
    )


def test_teachers_agree_on_what_their_records_say() -> None:
    records = [(x, 1 if x % 2 else 2) for x in range(1200)]
    run = run_on(records)
    assert [run.label(question) for question in range(6)] == [2, 1, 2, 1, 2, 1]


def test_rule_12_every_query_is_charged_and_no_more_are_answered() -> None:
    assert VOTES.event().count == 20
    run = run_on([(1, 1)])
    for _ in range(20):
        run.label(1)
    with pytest.raises(StepsSpentError, match="all 20 accounted queries"):
        run.label(1)


@given(records=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), max_size=12))
def test_rule_15_a_record_moves_the_votes_by_no_more_than_the_event_says(
    records: list[Record],
) -> None:
    votes = replace(VOTES, teachers=3)
    shards = votes.begin()
    owner = shards.of([repr(record).encode() for record in records])

    def counted(without: int | None) -> NDArray[np.int64]:
        held = [
            [r for j, r in enumerate(records) if owner[j] == i and j != without] for i in range(3)
        ]
        return shards.ask([teacher_of(shard) for shard in held])._count(1)

    squares = [int(((counted(None) - counted(j)) ** 2).sum()) for j in range(len(records))]
    assert max(squares, default=0) <= 2
    assert votes.event().event.noise_multiplier == pytest.approx(((16 - 2) / 2) ** 0.5)


def test_rule_12_shared_teachers_are_refused() -> None:
    shards = VOTES.begin()
    one = teacher_of([])
    with pytest.raises(ValueError, match="60 different teachers"):
        shards.ask([one] * 60)
    with pytest.raises(ValueError, match="60 different teachers"):
        shards.ask([teacher_of([]) for _ in range(59)])


@given(day=st.lists(st.binary(min_size=1), min_size=1, unique=True), more=st.binary(min_size=1))
def test_rule_12_a_record_reaches_one_teacher_whatever_the_others_are(
    day: list[bytes], more: bytes
) -> None:
    shards = VOTES.begin()
    before = shards.of(day)
    after = shards.of([*day, more])
    assert after[:-1].tolist() == before.tolist()
    assert 0 <= after[-1] < 60
    assert shards.of(reversed(day)).tolist() == before[::-1].tolist()


def test_rule_12_shards_are_even_and_new_for_each_attempt() -> None:
    records = [b"%d" % index for index in range(12_000)]
    first, second = VOTES.begin().of(records), VOTES.begin().of(records)
    assert np.mean(first == second) == pytest.approx(1 / 60, abs=0.01)
    assert np.abs(np.bincount(first, minlength=60) - 200).max() < 6 * 200**0.5


def test_votes_are_noised_with_the_stated_noise() -> None:
    # 33 votes against 27: the noise of the difference has a deviation of 4 times the root of 2
    votes = replace(VOTES, queries=400)
    run = votes.begin().ask([partial(fixed_vote, int(i >= 33)) for i in range(60)])
    share = np.mean([run.label(0) == 0 for _ in range(400)])
    assert share == pytest.approx(0.8745, abs=0.09)


def test_a_vote_for_no_label_is_refused() -> None:
    run = VOTES.begin().ask([partial(fixed_vote, 3) for _ in range(60)])
    with pytest.raises(ValueError, match="not one of 3 labels"):
        run.label(0)


@pytest.mark.parametrize("change", [{"sigma": Fraction(5)}, {"queries": 21}])
def test_rule_4_a_changed_field_changes_the_event(change: dict[str, Any]) -> None:
    assert replace(VOTES, **change).event() != VOTES.event()


@pytest.mark.parametrize(
    "change", [{"teachers": 0}, {"labels": 1}, {"queries": 0}, {"sigma": Fraction(1)}]
)
def test_impossible_votes_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        replace(VOTES, **change)
