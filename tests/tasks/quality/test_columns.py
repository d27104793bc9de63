import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest

from tasks.quality.columns import codes, kinds_of, measured, numbers
from tasks.quality.errors import QualityError


def test_every_type_of_a_number_becomes_one() -> None:
    day = dt.date(1970, 1, 11)
    table = pa.table(
        {
            "small": pa.array([7], pa.int8()),
            "decimal": pa.array([Decimal("1.25")]),
            "day": pa.array([day], pa.date32()),
            "long_day": pa.array([day], pa.date64()),
            "time": pa.array([dt.datetime(1970, 1, 1, 0, 0, 2)], pa.timestamp("ms")),
        }
    )
    assert set(kinds_of(table.schema).values()) == {"number"}
    found = [numbers(table, name).item() for name in table.column_names]
    assert found == [7, 1.25, 10, 10, 2000]


def test_strings_truth_values_and_dictionaries_are_categories() -> None:
    table = pa.table(
        {
            "name": ["a", "b"],
            "is_new": [True, False],
            "area": pa.array(["x", "y"]).dictionary_encode(),
        }
    )
    assert set(kinds_of(table.schema).values()) == {"category"}
    other = table.slice(1)
    for name, known in (("name", ["a", "b"]), ("is_new", ["false", "true"]), ("area", ["x", "y"])):
        first, second, names = codes(table, other, name)
        assert names == known
        assert [names[code] for code in first][1:] == [names[code] for code in second]


def test_of_texts_the_lengths_are_measured() -> None:
    assert measured(pa.table({"id": ["", "é", "abc"]}), "id", "text").tolist() == [0, 1, 3]


def test_what_cannot_be_compared_is_named() -> None:
    with pytest.raises(QualityError, match="column path is of type list"):
        kinds_of(pa.schema({"path": pa.list_(pa.float64())}))
    with pytest.raises(QualityError, match="the table has no column age"):
        numbers(pa.table({"hour": [1]}), "age")
    with pytest.raises(QualityError, match="1 rows have no hour; set them aside"):
        numbers(pa.table({"hour": [1, None]}), "hour")
