"""The columns of a table that is described in public: what their values are, and their texts.

Every kind has one text for each of its values, so that a value that was written reads back as
itself and equal rows are equal lines. There is no missing value; a category may stand for it.
"""

import datetime as dt
import string
from abc import ABC, abstractmethod
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal, Self, TypeVar

import pyarrow as pa
from pydantic import Field, model_validator

from tasks.region.settings import Settings

Value = int | float | str | dt.date
"""A value of some column."""

_MOST_DIGITS = 10**15
"""A number, in units of its last place, stays under it: a 64-bit float tells all of them apart."""


class _Column(Settings, ABC):
    """What the kinds of columns have in common."""

    name: str = Field(
        pattern=r"^[^\s\"](?:[^\n\r\"]{0,98}[^\s\"])?$",
        description="Name of the column, as the data file's header has it.",
    )
    description: str = Field("", max_length=1000, description="One sentence for people.")

    @property
    @abstractmethod
    def type(self) -> pa.DataType:
        """Arrow type of the values."""

    @property
    @abstractmethod
    def allowed(self) -> str:
        """What a value is, in words."""

    @property
    @abstractmethod
    def characters(self) -> frozenset[str]:
        """Every character that a text may hold, and perhaps some that none does."""

    @property
    @abstractmethod
    def longest(self) -> int:
        """Most characters of a text."""

    @abstractmethod
    def write(self, value: Any) -> str:
        """The one text of a value, which `parse` has accepted."""

    @abstractmethod
    def parse(self, text: str) -> Value | None:
        """The value that a text means, however it is spelt; None if it is none of this column."""

    def read(self, text: str) -> Value | None:
        """The value whose text this is; None if it is not written exactly so."""
        value = self.parse(text)
        return value if value is not None and self.write(value) == text else None

    def arrow(self) -> pa.Field:
        """The Arrow field, which carries the description as metadata."""
        about = {"description": self.description or self.allowed}
        return pa.field(self.name, self.type, nullable=False, metadata=about)


class IntegerColumn(_Column):
    """Whole numbers between two public bounds, both included.

    Examples:
        >>> hour = IntegerColumn(name="hour", minimum=0, maximum=23)
        >>> hour.parse("07"), hour.read("07"), hour.read("7"), hour.read("24")
        (7, None, 7, None)
    """

    kind: Literal["integer"] = Field("integer", description="Whole numbers.")
    minimum: int = Field(gt=-_MOST_DIGITS, lt=_MOST_DIGITS, description="Smallest value.")
    maximum: int = Field(gt=-_MOST_DIGITS, lt=_MOST_DIGITS, description="Largest value.")

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> Self:
        return _in_order(self, self.minimum, self.maximum)

    @property
    def type(self) -> pa.DataType:
        """Arrow type of the values."""
        return pa.int64()

    @property
    def allowed(self) -> str:
        """What a value is, in words."""
        return f"a whole number from {self.minimum} to {self.maximum}"

    @property
    def characters(self) -> frozenset[str]:
        """Digits, and the sign if there are negative numbers."""
        return frozenset(string.digits + "-" * (self.minimum < 0))

    @property
    def longest(self) -> int:
        """Most characters of a text."""
        return max(len(str(self.minimum)), len(str(self.maximum)))

    def write(self, value: int) -> str:
        """Its digits."""
        return str(value)

    def parse(self, text: str) -> int | None:
        """The number, however it is spelt."""
        number = _number(text)
        if number is None or not self.minimum <= number <= self.maximum or number % 1:
            return None
        return int(number)


class DecimalColumn(_Column):
    """Numbers between two public bounds, to a fixed number of places.

    A value is written with no more places than it needs. What has more places than the column is
    rounded when it is read from a file.

    Examples:
        >>> latitude = DecimalColumn(name="latitude", minimum=-90, maximum=90, places=3)
        >>> latitude.parse("37.75400"), latitude.parse("37.7544"), latitude.parse("1e2")
        (37.754, 37.754, None)
        >>> latitude.write(37.75), latitude.write(-0.0), latitude.read("37.750")
        ('37.75', '0', None)
    """

    kind: Literal["decimal"] = Field("decimal", description="Numbers with decimal places.")
    minimum: float = Field(allow_inf_nan=False, description="Smallest value.")
    maximum: float = Field(allow_inf_nan=False, description="Largest value.")
    places: int = Field(ge=1, le=12, description="Decimal places; values are rounded to them.")

    @model_validator(mode="after")
    def _bounds_are_values(self) -> Self:
        for bound in (self.minimum, self.maximum):
            if abs(bound) * 10**self.places >= _MOST_DIGITS:
                raise ValueError(
                    f"column {self.name!r}: {bound:g} to {self.places} places has over 15 digits; "
                    "take fewer places"
                )
            if Decimal(repr(bound)) % Decimal(1).scaleb(-self.places):
                raise ValueError(
                    f"column {self.name!r}: {bound!r} has more than {self.places} places; round it"
                )
        return _in_order(self, self.minimum, self.maximum)

    @property
    def type(self) -> pa.DataType:
        """Arrow type of the values."""
        return pa.float64()

    @property
    def allowed(self) -> str:
        """What a value is, in words."""
        return (
            f"a number from {self.write(self.minimum)} to {self.write(self.maximum)}, "
            f"to {self.places} places"
        )

    @property
    def characters(self) -> frozenset[str]:
        """Digits, the point, and the sign if there are negative numbers."""
        return frozenset(string.digits + "." + "-" * (self.minimum < 0))

    @property
    def longest(self) -> int:
        """Most characters of a text."""
        unit = 10.0**-self.places
        ends = (self.minimum, self.minimum + unit, self.maximum - unit, self.maximum)
        return max(len(self.write(end)) for end in ends if self.minimum <= end <= self.maximum)

    def write(self, value: float) -> str:
        """Its digits, without an exponent and without zeros at the end."""
        text = f"{value:.{self.places}f}".rstrip("0").rstrip(".")
        return "0" if text == "-0" else text

    def parse(self, text: str) -> float | None:
        """The number, rounded to the column's places."""
        number = _number(text)
        if number is None:
            return None
        value = float(self.write(float(number)))
        return value if self.minimum <= value <= self.maximum else None


class CategoryColumn(_Column):
    """One of some public values.

    Examples:
        >>> sex = CategoryColumn(name="sex", values=("female", "male"))
        >>> sex.read("male"), sex.read("Male"), sex.longest
        ('male', None, 6)
    """

    kind: Literal["category"] = Field("category", description="One of some texts.")
    values: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(
        min_length=1, description="The texts, all of them."
    )

    @model_validator(mode="after")
    def _values_are_told_apart(self) -> Self:
        if len(set(self.values)) < len(self.values):
            raise ValueError(f"column {self.name!r}: a value stands twice; name each once")
        for value in self.values:
            if value != value.strip() or not value.isprintable() or '"' in value:
                raise ValueError(
                    f"column {self.name!r}: value {value!r} begins or ends with a space, or holds "
                    "a quotation mark or a character that is not printed; remove it"
                )
        return self

    @property
    def type(self) -> pa.DataType:
        """Arrow type of the values."""
        return pa.string()

    @property
    def allowed(self) -> str:
        """What a value is, in words."""
        shown = ", ".join(self.values[:10])
        return f"one of {shown}" + (f", ... ({len(self.values)})" if len(self.values) > 10 else "")

    @property
    def characters(self) -> frozenset[str]:
        """The characters of all values."""
        return frozenset("".join(self.values))

    @property
    def longest(self) -> int:
        """Most characters of a text."""
        return max(map(len, self.values))

    def write(self, value: str) -> str:
        """The text itself."""
        return value

    def parse(self, text: str) -> str | None:
        """The text itself; its case counts."""
        return text if text in self.values else None


class DateColumn(_Column):
    """Days between two public bounds, both included, as YYYY-MM-DD.

    Examples:
        >>> day = DateColumn(name="date", minimum=dt.date(1999, 11, 11), maximum="2005-12-31")
        >>> day.read("2004-02-29"), day.read("2003-02-29")
        (datetime.date(2004, 2, 29), None)
    """

    kind: Literal["date"] = Field("date", description="Days, as YYYY-MM-DD.")
    minimum: dt.date = Field(description="First day.")
    maximum: dt.date = Field(description="Last day.")

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> Self:
        return _in_order(self, self.minimum, self.maximum)

    @property
    def type(self) -> pa.DataType:
        """Arrow type of the values."""
        return pa.date32()

    @property
    def allowed(self) -> str:
        """What a value is, in words."""
        return f"a day from {self.minimum} to {self.maximum}, as YYYY-MM-DD"

    @property
    def characters(self) -> frozenset[str]:
        """Digits and the dash."""
        return frozenset(string.digits + "-")

    @property
    def longest(self) -> int:
        """Characters of every text."""
        return len("YYYY-MM-DD")

    def write(self, value: dt.date) -> str:
        """As YYYY-MM-DD."""
        return value.isoformat()

    def parse(self, text: str) -> dt.date | None:
        """The day, of any spelling of ISO 8601."""
        try:
            value = dt.date.fromisoformat(text)
        except ValueError:
            return None
        return value if self.minimum <= value <= self.maximum else None


class TextColumn(_Column):
    """Texts over a public alphabet, of a public length, that neither begin nor end with a space.

    Examples:
        >>> vehicle = TextColumn(name="vehicle", alphabet="ABC123", max_length=4)
        >>> vehicle.read("A1"), vehicle.read("A1B2C"), vehicle.read("a1"), vehicle.read("")
        ('A1', None, None, None)
    """

    kind: Literal["text"] = Field("text", description="Texts over an alphabet.")
    alphabet: str = Field(
        min_length=1, max_length=1000, description="Every character that a text may hold."
    )
    max_length: int = Field(ge=1, le=1000, description="Most characters of a text.")
    min_length: int = Field(1, ge=0, le=1000, description="Fewest characters of a text.")

    @model_validator(mode="after")
    def _texts_exist(self) -> Self:
        if len(set(self.alphabet)) < len(self.alphabet):
            raise ValueError(f"column {self.name!r}: a character stands twice; name each once")
        if not self.alphabet.isprintable() or '"' in self.alphabet or self.alphabet == " ":
            raise ValueError(
                f"column {self.name!r}: the alphabet holds a quotation mark or a character that is "
                "not printed, or none but a space; name those that texts are made of"
            )
        return _in_order(self, self.min_length, self.max_length)

    @property
    def type(self) -> pa.DataType:
        """Arrow type of the values."""
        return pa.string()

    @property
    def allowed(self) -> str:
        """What a value is, in words."""
        return f"{self.min_length} to {self.max_length} characters of {self.alphabet!r}"

    @property
    def characters(self) -> frozenset[str]:
        """The alphabet."""
        return frozenset(self.alphabet)

    @property
    def longest(self) -> int:
        """Most characters of a text."""
        return self.max_length

    def write(self, value: str) -> str:
        """The text itself."""
        return value

    def parse(self, text: str) -> str | None:
        """The text itself."""
        fits = self.min_length <= len(text) <= self.max_length and text == text.strip(" ")
        return text if fits and self.characters.issuperset(text) else None


_C = TypeVar("_C", bound=_Column)
Column = Annotated[
    IntegerColumn | DecimalColumn | CategoryColumn | DateColumn | TextColumn,
    Field(discriminator="kind"),
]
"""A column of any kind."""


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and number.adjusted() < len(str(_MOST_DIGITS)) else None


def _in_order(column: _C, low: Any, high: Any) -> _C:
    if low > high:
        raise ValueError(f"column {column.name!r}: {low} is more than {high}; swap the two")
    return column
