"""Values as feeds write them, brought to one form; what has no clear meaning becomes nothing.

The plural functions do the same for a column. They look at the types in it once and take the
short way when all are as the standard wants them.
"""

import datetime as dt
import math
import re
from collections.abc import Sequence
from types import NoneType

import numpy as np
from numpy.typing import NDArray

MAX_TEXT = 255
"""Longest identifier that is kept, in characters."""

_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC).timestamp()
_LATEST = dt.datetime(2100, 1, 1, tzinfo=dt.UTC).timestamp()


def number(value: object) -> float | None:
    """A finite number, also one that stands in a string.

    Examples:
        >>> number("45.4765"), number(7), number(True), number("NaN"), number("4_5")
        (45.4765, 7.0, None, None, None)
    """
    if isinstance(value, str):
        text = value.strip()
        if len(text) > MAX_TEXT or not _DECIMAL.fullmatch(text):
            return None
        value = float(text)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if math.isfinite(result) else None


def flag(value: object) -> bool | None:
    """A truth value, also as 0, 1 or a word; never Python's idea of a string's truth.

    Examples:
        >>> flag("False"), flag(1), flag("0"), flag("no idea"), flag(2)
        (False, True, False, None, None)
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return bool(value) if value in (0, 1) else None
    if isinstance(value, str):
        return _FLAGS.get(value.strip().lower())
    return None


def identifier(value: object) -> str | None:
    """An id as text, unchanged; whole numbers become their digits, and nothing becomes a float.

    None stands for no id: empty, over `MAX_TEXT` long, of another type, or with characters that
    were already lost when the feed was written.

    Examples:
        >>> identifier(3833465119576306229), identifier("7"), identifier(7.0), identifier("")
        ('3833465119576306229', '7', None, None)
    """
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**64:
        return str(value)
    if isinstance(value, str) and 0 < len(value) <= MAX_TEXT and _is_whole(value):
        return value
    return None


def instant(value: object) -> dt.datetime | None:
    """A moment from POSIX seconds, POSIX milliseconds or RFC 3339, in UTC.

    None stands for no moment between the years 2000 and 2100, and for a text without offset.

    Examples:
        >>> instant(1690883390).isoformat(), instant("1690883390500").isoformat()
        ('2023-08-01T09:49:50+00:00', '2023-08-01T09:49:50.500000+00:00')
        >>> instant("2024-12-27T13:12:57+01:00").isoformat()
        '2024-12-27T12:12:57+00:00'
        >>> instant("2024-12-27T13:12:57") is None
        True
    """
    seconds = number(value)
    if seconds is None:
        return _rfc_3339(value) if isinstance(value, str) else None
    if seconds >= 1000 * _EARLIEST:
        seconds /= 1000
    if not _EARLIEST <= seconds < _LATEST:
        return None
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def numbers(values: Sequence[object]) -> NDArray[np.float64]:
    """A column of numbers; NaN where there is none.

    Returns:
        float64 array of shape (n,).
    """
    kinds = set(map(type, values))
    if kinds == {NoneType}:
        return np.full(len(values), np.nan)
    if kinds <= {float, int}:
        try:
            return np.array(values, dtype=np.float64)
        except OverflowError:
            pass
    return np.array([number(value) for value in values], dtype=np.float64)


def flags(values: Sequence[object]) -> list[bool | None]:
    """A column of truth values."""
    if set(map(type, values)) <= {bool, NoneType}:
        return values  # type: ignore[return-value]  # just looked
    return [flag(value) for value in values]


def identifiers(values: Sequence[object]) -> list[str | None]:
    """A column of ids."""
    kinds = set(map(type, values))
    if kinds == {str} and all(values) and max(map(len, values)) <= MAX_TEXT:  # type: ignore[arg-type]
        if _is_whole("".join(values)):  # type: ignore[arg-type]
            return values  # type: ignore[return-value]
    elif kinds == {NoneType}:
        return values  # type: ignore[return-value]
    return [identifier(value) for value in values]


def _is_whole(text: str) -> bool:
    """Whether no character was replaced or cut in half on the way."""
    if "\ufffd" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _rfc_3339(text: str) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            return None
        moment = moment.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
    return moment if _EARLIEST <= moment.timestamp() < _LATEST else None
