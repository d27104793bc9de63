import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.quality.columns import Kind, kinds_of
from tasks.quality.errors import QualityError
from tasks.quality.fields import MOST_BARS, Field, fields, similarity
from tasks.quality.references import Compared
from tests.tasks.quality.conftest import people

values = st.lists(st.integers(-20, 20), min_size=1, max_size=30)


@given(values, values, st.booleans())
def test_a_similarity_is_a_share_the_same_both_ways_and_one_of_a_copy(
    one: list[int], other: list[int], are_numbers: bool
) -> None:
    kind: Kind = "number" if are_numbers else "category"
    a, b = (pa.table({"x": each if are_numbers else list(map(str, each))}) for each in (one, other))
    found = similarity(a, b, "x", kind)
    assert -1e-12 <= found <= 1
    assert found == pytest.approx(similarity(b, a, "x", kind))
    assert similarity(a, a, "x", kind) == 1


def field_of(real: pa.Array, synthetic: pa.Array) -> Field:
    """The only column of two tables."""
    tables = pa.table({"x": real}), pa.table({"x": synthetic})
    compared = Compared.of(tables[0], tables[1], tables[1], seed=0)
    return fields(compared, kinds_of(tables[0].schema))[0]


def test_numbers_by_hand() -> None:
    field = field_of(pa.array([1, 2, 3, 4]), pa.array([1, 2, 2, 2]))
    assert field.similarity.synthetic == 0.5  # at 2: 1/2 against 1
    assert field.labels == ("1", "2", "3", "4")
    assert field.training == (0.25,) * 4
    assert field.synthetic == (0.25, 0.75, 0, 0)


def test_categories_by_hand() -> None:
    field = field_of(pa.array(["b", "b", "a", "c"]), pa.array(["b", "a", "a", "d"]))
    assert field.similarity.synthetic == pytest.approx(0.5)
    assert field.labels == ("b", "a", "c", "d")
    assert field.synthetic == (0.25, 0.5, 0, 0.25)
    assert field.ticks == ()


def test_rare_categories_share_a_bar() -> None:
    names = [f"n{i:02d}" for i in range(40) for _ in range(80 - i)]
    field = field_of(pa.array(names), pa.array([*names, "new", "newer"]))
    assert len(field.labels) == len(field.training) == MOST_BARS
    assert field.labels[-1] == f"{40 + 2 - MOST_BARS + 1} others"
    assert sum(field.training) == pytest.approx(1)
    assert sum(field.synthetic) == pytest.approx(1)


@pytest.mark.parametrize("same", [3.25, 7.0])
def test_a_column_of_one_value_has_bars(same: float) -> None:
    field = field_of(pa.array([same] * 5), pa.array([same] * 4))
    assert field.similarity.synthetic == 1
    assert sum(field.training) == pytest.approx(1)
    assert max(field.synthetic) == 1


def test_days_are_said_as_days_and_numbers_with_the_digits_of_a_bar() -> None:
    table = people(400, 1)
    found = {
        each.name: each
        for each in fields(Compared.of(table, table, table, 0), kinds_of(table.schema))
    }
    assert found["born"].ticks[0][1].startswith("1991-")
    assert " to 19" in found["born"].labels[0]
    assert found["age"].ticks[0] == (0.0, "18")
    assert "." not in found["income"].labels[3]
    assert [each.kind for each in found.values()] == ["number"] * 3 + ["category"] * 2


def test_times_are_said_as_times() -> None:
    hours = np.datetime64("2026-05-20T00", "ms") + np.arange(48) * np.timedelta64(1800, "s")
    field = field_of(pa.array(hours), pa.array(hours))
    assert field.labels[0] == "2026-05-20T00:00:00.000 to 2026-05-20T00:58:45.000"


def test_what_is_missing_is_named() -> None:
    table = people(10, 1)
    with pytest.raises(QualityError, match="without rows"):
        similarity(table, table.slice(10), "age", "number")
    with pytest.raises(QualityError, match="no column job"):
        similarity(table, table.drop_columns("job"), "job", "category")
