from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from tasks.region.yaml_file import faults
from tasks.tables import Column, DecimalColumn, PublicTable

COLUMN: TypeAdapter[Column] = TypeAdapter(Column)


def column(kind: str, **fields: Any) -> Column:
    return COLUMN.validate_python({"kind": kind, "name": "it", **fields})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("07", 7),
        ("7.0", 7),
        ("7e0", 7),
        ("7.5", None),
        ("24", None),
        ("-1", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("1e999999", None),
        ("seven", None),
    ],
)
def test_whole_numbers_however_they_are_spelt(text: str, value: int | None) -> None:
    assert column("integer", minimum=0, maximum=23).parse(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("37.754061", 37.754061),
        ("37.7540612", 37.754061),
        ("0.0", 0.0),
        ("-0.0000001", 0.0),
        ("90.0000001", 90.0),
        ("90.000001", None),
        ("1e-7", 0.0),
        ("NaN", None),
        ("1e400", None),
    ],
)
def test_decimals_are_rounded_to_their_places(text: str, value: float | None) -> None:
    latitude = column("decimal", minimum=-90, maximum=90, places=6)
    assert latitude.parse(text) == value
    assert isinstance(latitude, DecimalColumn)
    if value is not None:
        assert latitude.read(latitude.write(value)) == value


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        ("integer", {"minimum": 3, "maximum": 2}, "3 is more than 2; swap the two"),
        ("integer", {"minimum": 0, "maximum": 10**15}, "less than 1000000000000000"),
        ("decimal", {"minimum": 0, "maximum": 0.25, "places": 1}, "0.25 has more than 1 places"),
        ("decimal", {"minimum": 0, "maximum": 1e9, "places": 9}, "has over 15 digits"),
        ("category", {"values": ["a", "a"]}, "a value stands twice"),
        ("category", {"values": [" a"]}, "begins or ends with a space"),
        ("category", {"values": ['a"b']}, "a quotation mark"),
        ("category", {"values": [True]}, "valid string"),
        ("category", {"values": []}, "at least 1 item"),
        ("date", {"minimum": "2020-02-30", "maximum": "2021-01-01"}, "minimum"),
        ("date", {"minimum": "2021-01-01", "maximum": "2020-01-01"}, "swap the two"),
        ("text", {"alphabet": "aa", "max_length": 3}, "a character stands twice"),
        ("text", {"alphabet": " ", "max_length": 3}, "none but a space"),
        ("text", {"alphabet": "a\n", "max_length": 3}, "not printed"),
        ("text", {"alphabet": "a", "max_length": 2, "min_length": 3}, "3 is more than 2"),
        ("colour", {}, "colour"),
    ],
)
def test_columns_that_cannot_be(kind: str, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        column(kind, **fields)
    assert said in faults(caught.value)
    assert "\n" not in faults(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"separator": "-"}, "may hold the separator '-'; take another"),
        ({"separator": " "}, "separator"),
        ({"columns": []}, "at least 1 item"),
        (
            {"columns": [{"kind": "integer", "name": "a", "minimum": 0, "maximum": 1}] * 2},
            "column 'a' stands twice",
        ),
    ],
)
def test_tables_that_cannot_be(changes: dict[str, Any], said: str) -> None:
    plain = {
        "name": "plain",
        "columns": [{"kind": "integer", "name": "a", "minimum": -1, "maximum": 1}],
    }
    assert PublicTable.model_validate(plain).alphabet == ",-0123456789"
    with pytest.raises(ValidationError) as caught:
        PublicTable.model_validate({**plain, **changes})
    assert said in faults(caught.value)


def test_a_table_is_its_json_again() -> None:
    table = PublicTable(
        name="all",
        columns=(
            column("integer", minimum=0, maximum=23),
            COLUMN.validate_python(
                {"kind": "date", "name": "day", "minimum": "2020-01-01", "maximum": "2021-01-01"}
            ),
        ),
    )
    assert PublicTable.model_validate(table.model_dump(mode="json")) == table
    assert table.arrow().names == ["it", "day"]
