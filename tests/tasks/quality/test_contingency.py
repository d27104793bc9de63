import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.quality.contingency import joint_counts, shares, variation
from tasks.quality.errors import QualityError

keys = st.lists(st.tuples(st.integers(-3, 3), st.integers(-(2**61), 2**61)), min_size=1)


@given(keys, keys)
def test_every_key_is_counted_in_its_table(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    a, b = (np.array(each, np.int64).reshape(-1, 2) for each in (one, other))
    first, second = joint_counts(a, b)
    distinct = sorted(set(one) | set(other))
    due = sorted((one.count(key), other.count(key)) for key in distinct)
    assert sorted(zip(first.tolist(), second.tolist(), strict=True)) == due
    common = sum(min(one.count(k) / len(one), other.count(k) / len(other)) for k in distinct)
    assert variation((first, second)) == pytest.approx(1 - common)


def test_an_empty_histogram_has_no_shares() -> None:
    with pytest.raises(QualityError, match="without rows"):
        shares(np.zeros(3))
