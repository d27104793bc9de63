import math

import numpy as np
import pyarrow as pa
import pytest

from tasks.quality.columns import Kind, kinds_of
from tasks.quality.references import Compared
from tasks.quality.trends import similarity, trends
from tests.tasks.quality.conftest import people


def test_all_pairs_are_there_but_those_of_texts() -> None:
    table = people(300, 1)
    kinds: dict[str, Kind] = {**kinds_of(table.schema), "job": "text"}
    found = trends(Compared.of(table, people(300, 2), people(300, 3), 0), kinds)
    assert len(found) == 4 * 3 / 2
    assert not [each for each in found if "job" in each.names]
    assert [each.names for each in found][:2] == [("age", "income"), ("age", "born")]
    with_correlation = [each.names for each in found if each.correlations]
    assert with_correlation == [("age", "income"), ("age", "born"), ("income", "born")]


def test_a_pair_that_lost_its_connection_is_less_alike() -> None:
    real, same = people(2000, 1), people(2000, 2)
    order = np.random.default_rng(0).permutation(2000)
    for names, moved in ((("age", "income"), 1), (("age", "job"), 3), (("job", "married"), 4)):
        column = real.column_names[moved]
        parted = same.set_column(moved, column, same[column].take(order))
        kinds = kinds_of(real.schema)
        whole = similarity(real, same, names, kinds)
        assert whole > 0.93
        assert similarity(real, parted, names, kinds) < whole - 0.08, names


def test_correlations_by_hand() -> None:
    rising = pa.table({"x": [1, 2, 3], "y": [2, 4, 6]})
    falling = pa.table({"x": [1, 2, 3], "y": [6, 4, 2]})
    kinds = kinds_of(rising.schema)
    assert similarity(rising, falling, ("x", "y"), kinds) == pytest.approx(0)
    found = trends(Compared.of(rising, falling, rising, 0), kinds)
    assert found[0].correlations == pytest.approx((1, -1))
    assert found[0].similarity.held_out == pytest.approx(1)


def test_a_column_that_is_constant_in_the_real_rows_has_no_correlation() -> None:
    flat = pa.table({"x": [1, 1, 1], "y": [2, 4, 6]})
    rising = pa.table({"x": [1, 2, 3], "y": [2, 4, 6]})
    kinds = kinds_of(flat.schema)
    assert math.isnan(similarity(flat, rising, ("x", "y"), kinds))
    assert similarity(rising, flat, ("x", "y"), kinds) == pytest.approx(0.5)


def test_numbers_beyond_the_real_range_fall_into_the_outer_bins() -> None:
    real = pa.table({"x": list(range(11)), "c": ["a"] * 11})
    far = pa.table({"x": [-100] * 5 + [100] * 6, "c": ["a"] * 11})
    found = similarity(real, far, ("x", "c"), kinds_of(real.schema))
    assert found == pytest.approx(3 / 11)  # one real number in the first bin, two in the last
