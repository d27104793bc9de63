"""What all suites share: expectations from a table declaration, one validation, typed failures.

Two expectations of Great Expectations 1.24 are wrong with pandas 3 and are not used:
`ExpectColumnValuesToBeInTypeList` on strings and `ExpectColumnQuantileValuesToBeBetween`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd
import pyarrow as pa
from great_expectations.core import ExpectationValidationResult
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metadata_types import FailureSeverity

from expectations import words
from expectations.errors import CheckError
from tasks.schema import Table

Severity = Literal["critical", "warning"]
Suite = Sequence[Expectation]

EXAMPLES = 5
"""How many rows and values a line about a failure names."""

_PANDAS_TYPES = {
    pa.string(): "str",
    pa.bool_(): "bool",
    pa.int8(): "int8",
    pa.int16(): "int16",
    pa.int32(): "int32",
    pa.int64(): "int64",
    pa.float64(): "float64",
}


@dataclass(frozen=True)
class Failure:
    """One expectation that is not met.

    Attributes:
        expectation: Its name, such as `expect_column_values_to_be_between`.
        column: The column it is about; None for the whole table.
        severity: `critical` stops what public ground may stop; `warning` is only reported.
        count: Number of rows that break it; 0 where it is not about single rows.
        rows: Positions of those rows in the frame, 0-based, in order.
        values: Their first values, up to `EXAMPLES`; empty unless asked for.
        expected: What was expected, in the expectation's own parameters.
    """

    expectation: str
    column: str | None
    severity: Severity
    count: int
    rows: tuple[int, ...]
    values: tuple[str, ...] = ()
    expected: str = ""

    @property
    def reason(self) -> str:
        """The expectation and its column, the key under which rows are counted.

        Examples:
            >>> Failure("expect_column_values_to_not_be_null", "hour", "critical", 1, (4,)).reason
            'expect_column_values_to_not_be_null(hour)'
        """
        return f"{self.expectation}({self.column or 'table'})"

    def line(self, row_names: Sequence[str] = ()) -> str:
        """One line for a person, with row numbers and, where asked for, values.

        Args:
            row_names: What to call the rows instead of their numbers.

        Examples:
            >>> Failure("expect_column_values_to_not_be_null", "hour", "critical", 1, (4,)).line()
            'expect_column_values_to_not_be_null(hour) is broken by 1 row (4)'
        """
        expected = f" [{self.expected}]" if self.expected else ""
        if not self.count:
            found = f"; found {self.values[0]}" if self.values else ""
            return f"{self.reason}{expected} is not met{found}"
        first = self.rows[:EXAMPLES]
        rows = ", ".join(row_names[row] if row_names else str(row) for row in first)
        more = ", ..." if self.count > EXAMPLES else ""
        values = f", values {', '.join(self.values)}" if self.values else ""
        noun = "row" if self.count == 1 else "rows"
        return f"{self.reason}{expected} is broken by {self.count:,} {noun} ({rows}{more}{values})"


@dataclass(frozen=True)
class Outcome:
    """What came of one expectation, met or not, in words.

    Attributes:
        expected: What was expected.
        found: What was found.
        severity: `critical` stops what public ground may stop; `warning` is only reported.
        failure: How it is not met; None if it is.
        table: The table that it is about, where a check looks at several.
    """

    expected: str
    found: str
    severity: Severity
    failure: Failure | None
    table: str = ""

    def line(self, row_names: Sequence[str] = ()) -> str:
        """One line for a person on an expectation that is not met: the first rows, their values.

        Values of whole rows, which are long, are left to the page.

        Args:
            row_names: What to call the rows instead of their numbers.

        Examples:
            >>> failure = Failure("...", "hour", "critical", 1, (4,), ("24",))
            >>> said = "hour is between 0 and 23", "not so in 1 of 60 rows"
            >>> Outcome(*said, "critical", failure).line()
            'hour is between 0 and 23; not so in 1 of 60 rows (4: 24)'
        """
        of = f"{self.table}: " if self.table else ""
        if self.failure is None or not self.failure.count:
            return f"{of}{self.expected}; found {self.found}"
        first = self.failure.rows[:EXAMPLES]
        names = [row_names[row] if row_names else str(row) for row in first]
        if self.failure.column is not None:
            values = zip_longest(names, self.failure.values[: len(names)])
            names = [name if value is None else f"{name}: {value}" for name, value in values]
        more = ", ..." if self.failure.count > EXAMPLES else ""
        return f"{of}{self.expected}; {self.found} ({', '.join(names)}{more})"


def failures_of(outcomes: Iterable[Outcome]) -> list[Failure]:
    """The failures among some outcomes."""
    return [outcome.failure for outcome in outcomes if outcome.failure is not None]


def table_expectations(table: Table) -> list[Expectation]:
    """Column names, their order, and types; true or false of a file's schema alone.

    Types are compared for columns that pandas holds in one type whatever the rows are: timestamps
    and columns with nulls are left to the Arrow schema.
    """
    found: list[Expectation] = [
        gxe.ExpectTableColumnsToMatchOrderedList(column_list=list(table.names))
    ]
    for column in table.columns:
        if column.type in _PANDAS_TYPES and not column.nullable:
            name = _PANDAS_TYPES[column.type]
            found.append(gxe.ExpectColumnValuesToBeOfType(column=column.name, type_=name))
    return found


def row_expectations(table: Table) -> list[Expectation]:
    """Not-null, bounds and value sets, column by column, as the table declares them.

    Examples:
        >>> from tasks.schema import RELEASE
        >>> [type(e).__name__ for e in row_expectations(RELEASE) if e.column == "hour"]
        ['ExpectColumnValuesToNotBeNull', 'ExpectColumnValuesToBeBetween']
    """
    found: list[Expectation] = []
    for column in table.columns:
        if not column.nullable:
            found.append(gxe.ExpectColumnValuesToNotBeNull(column=column.name))
        if column.minimum is not None or column.maximum is not None:
            found.append(
                gxe.ExpectColumnValuesToBeBetween(
                    column=column.name, min_value=column.minimum, max_value=column.maximum
                )
            )
        if column.categories is not None:
            found.append(
                gxe.ExpectColumnValuesToBeInSet(
                    column=column.name, value_set=list(column.categories)
                )
            )
    return found


def columns_of(suite: Suite) -> list[str]:
    """The columns that a suite reads, each once, in order of first use."""
    names: dict[str, None] = {}
    for expectation in suite:
        for key in ("column", "column_A", "column_B"):
            if (name := getattr(expectation, key, None)) is not None:
                names[name] = None
        if (condition := getattr(expectation, "row_condition", None)) is not None:
            names[condition.column.name] = None
    return list(names)


def validate(frame: pd.DataFrame, suite: Suite, *, show_values: bool = False) -> list[Failure]:
    """Validate a frame once and name every row that breaks an expectation.

    Nothing is written to disk and nothing is sent anywhere.

    Args:
        frame: Any number of rows; its index is replaced by positions.
        suite: The expectations.
        show_values: Whether failures carry values. Only for synthetic rows and public numbers.

    Raises:
        CheckError: If an expectation cannot be evaluated, as when its column is missing.
    """
    frame = frame.reset_index(drop=True)
    return [
        _failure(result, show_values)
        for result in _results(frame, suite, "COMPLETE")
        if not result.success
    ]


def evaluate(frame: pd.DataFrame, suite: Suite) -> list[Outcome]:
    """Validate a frame of synthetic rows or public numbers, and say of each expectation what came.

    Args:
        frame: Any number of rows; its index is replaced by positions.
        suite: The expectations.

    Raises:
        CheckError: If an expectation cannot be evaluated, as when its column is missing.
    """
    return [
        Outcome(
            expected=words.expected(_config(result).type, _config(result).kwargs),
            found=words.found(result.result),
            severity=_severity(result),
            failure=None if result.success else _failure(result, show_values=True),
        )
        for result in _results(frame.reset_index(drop=True), suite, "COMPLETE")
    ]


def passes(frame: pd.DataFrame, suite: Suite) -> bool:
    """Whether a frame meets a suite, several times as fast as `validate` on many rows.

    Great Expectations compares bounds row by row in Python; the smallest and the largest value
    of a column say the same and are found in one vectorised pass.
    """
    quick = [part for expectation in suite for part in _aggregates(expectation)]
    return all(result.success for result in _results(frame, quick, "BOOLEAN_ONLY"))


def _aggregates(expectation: Expectation) -> list[Expectation]:
    if not isinstance(expectation, gxe.ExpectColumnValuesToBeBetween):
        return [expectation]
    return [
        gxe.ExpectColumnMinToBeBetween(
            column=expectation.column,
            min_value=expectation.min_value,
            strict_min=expectation.strict_min,
            row_condition=expectation.row_condition,
            condition_parser=expectation.condition_parser,
        ),
        gxe.ExpectColumnMaxToBeBetween(
            column=expectation.column,
            max_value=expectation.max_value,
            strict_max=expectation.strict_max,
            row_condition=expectation.row_condition,
            condition_parser=expectation.condition_parser,
        ),
    ]


def _results(
    frame: pd.DataFrame, suite: Iterable[Expectation], result_format: str
) -> list[ExpectationValidationResult]:
    context = gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(),  # no folder for a docs site
            progress_bars=ProgressBarsConfig(globally=False),
            analytics_enabled=False,
        ),
    )
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("frame")
    definition = asset.add_batch_definition_whole_dataframe("whole")
    batch = definition.get_batch(batch_parameters={"dataframe": frame})
    validation = batch.validate(
        gx.ExpectationSuite(name="suite", expectations=list(suite)),
        result_format={"result_format": result_format, "include_unexpected_rows": False},
    )
    for result in validation.results:
        if _raised(result):
            config = _config(result)
            raise CheckError(
                f"{config.type}({config.kwargs.get('column', 'table')}) could not be evaluated; "
                "does the table have the columns and types that its schema declares?"
            )
    return list(validation.results)


def _raised(result: ExpectationValidationResult) -> bool:
    # One dict, or one per metric that failed.
    information = result.exception_info
    nested = [value for value in information.values() if isinstance(value, dict)]
    return any(item.get("raised_exception", False) for item in (information, *nested))


def _config(result: ExpectationValidationResult) -> ExpectationConfiguration:
    if (config := result.expectation_config) is None:
        raise CheckError("Great Expectations returned a result that names no expectation")
    return config


def _severity(result: ExpectationValidationResult) -> Severity:
    return "warning" if _config(result).severity is FailureSeverity.WARNING else "critical"


def _failure(result: ExpectationValidationResult, show_values: bool) -> Failure:
    config, facts = _config(result), result.result
    rows = tuple(int(row) for row in facts.get("unexpected_index_list") or ())
    values: list[Any] = []
    if show_values:
        values = list(facts.get("partial_unexpected_list") or [])[:EXAMPLES]
        if not values and "observed_value" in facts:
            values = [facts["observed_value"]]
    return Failure(
        expectation=config.type,
        column=config.kwargs.get("column") or _pair(config.kwargs),
        severity=_severity(result),
        count=int(facts.get("unexpected_count", 0)),
        rows=rows,
        values=tuple(str(value) for value in values),
        expected=_expected(config.kwargs),
    )


def _pair(parameters: dict[str, Any]) -> str | None:
    """The two columns of an expectation on pairs."""
    pair = [parameters[key] for key in ("column_A", "column_B") if key in parameters]
    return ", ".join(pair) or None


def _expected(parameters: dict[str, Any]) -> str:
    unsaid = {"batch_id", "condition_parser", "ignore_row_if", "polygons", "result_format"}
    unsaid |= {"column", "column_A", "column_B"}
    said = {
        key: value
        for key, value in parameters.items()
        if key not in unsaid and value is not None and value is not False
    }
    if (where := said.pop("row_condition", None)) is not None:
        said["where"] = f"{where['column']['name']} {where['operator']} {where['parameter']}"
    return ", ".join(f"{key}={value}" for key, value in said.items())
