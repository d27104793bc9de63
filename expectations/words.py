"""What an expectation asks for and what it found, in words for people who know no library."""

from collections.abc import Callable, Mapping
from typing import Any

from expectations.errors import CheckError

Parameters = Mapping[str, Any]


def expected(name: str, parameters: Parameters) -> str:
    """What is expected.

    Args:
        name: The expectation's, such as `expect_column_values_to_be_between`.
        parameters: Its own.

    Raises:
        CheckError: If there are no words for it.

    Examples:
        >>> expected(
        ...     "expect_column_values_to_be_between",
        ...     {"column": "hour", "min_value": 0, "max_value": 23},
        ... )
        'hour is between 0 and 23'
    """
    if name not in _WORDS:
        raise CheckError(f"{name}: no words for this expectation; give it some in {__name__}")
    words = _WORDS[name](parameters)
    if (where := parameters.get("row_condition")) is None:
        return words
    return f"where {where['column']['name']} is {where['parameter']}, {words}"


def found(facts: Parameters) -> str:
    """What was found.

    Args:
        facts: The `result` of a validation result, in the format COMPLETE.

    Examples:
        >>> found({"element_count": 200, "unexpected_count": 0})
        'so in all 200 rows'
        >>> found({"observed_value": 0.04211})
        '0.04211'
    """
    if "observed_value" in facts:
        return _said(facts["observed_value"])
    rows, broken = facts["element_count"], facts["unexpected_count"]
    return f"so in all {rows:,} rows" if not broken else f"not so in {broken:,} of {rows:,} rows"


def number(value: float) -> str:
    """A number for people.

    Examples:
        >>> number(20_100_000.0), number(0.25)
        ('20,100,000', '0.25')
    """
    return f"{value:,.10g}"


def _said(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, int | float):
        return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}"
    return str(value)


def _within(parameters: Parameters) -> str:
    """The bounds of a number."""
    low, high = parameters.get("min_value"), parameters.get("max_value")
    if low is not None and high is not None:
        return f"between {number(low)} and {number(high)}"
    if low is not None:
        return f"{'over' if parameters.get('strict_min') else 'at least'} {number(low)}"
    return f"at most {number(high or 0)}"


def _column_within(parameters: Parameters) -> str:
    return f"{parameters['column']} is {_within(parameters)}"


def _all_of(parameters: Parameters) -> str:
    share = parameters.get("mostly", 1)
    return "all" if share == 1 else f"at least {100 * share:g} % of the"


_WORDS: dict[str, Callable[[Parameters], str]] = {
    "expect_table_columns_to_match_ordered_list": lambda p: (
        f"the columns are {', '.join(p['column_list'])}"
    ),
    "expect_table_row_count_to_equal": lambda p: f"there are exactly {p['value']:,} rows",
    "expect_table_row_count_to_be_between": lambda p: f"the number of rows is {_within(p)}",
    "expect_column_values_to_be_of_type": lambda p: f"{p['column']} is of the type {p['type_']}",
    "expect_column_values_to_not_be_null": lambda p: f"{p['column']} is never missing",
    "expect_column_values_to_be_between": _column_within,
    "expect_column_max_to_be_between": _column_within,
    "expect_column_values_to_be_in_set": lambda p: (
        f"{p['column']} is one of {', '.join(map(str, p['value_set']))}"
    ),
    "expect_column_unique_value_count_to_be_between": lambda p: (
        f"the number of different values of {p['column']} is {_within(p)}"
    ),
    "expect_compound_columns_to_be_unique": lambda p: f"{_all_of(p)} rows occur only once",
    "expect_places_to_be_within_polygons": lambda p: (
        f"{p['column_A']} and {p['column_B']} lie in the polygons that are served"
    ),
}
