"""A GBFS file as JSON: bytes to a dictionary, and what lies under `data`."""

import json
import math
from typing import Any

import orjson

from tasks.gbfs.errors import NotJsonError, TooLargeError, WrongShapeError

MAX_VALUES = 4_000_000
"""Most values in one body; a vehicle has 8 to 20. Nesting ends where the decoder's limit does, at
1024 levels, and a number at `MAX_DIGITS`."""

MAX_DIGITS = 400
"""Most characters of a number where strict JSON already failed."""


def decode(body: bytes) -> dict[str, Any]:
    """Read a body as one JSON object.

    What strict JSON refuses but costs only one record (NaN, a lone surrogate in a name, bytes
    that are not UTF-8) is read leniently; the record that holds it is then set aside if the
    fault lies in a value that is kept. NaN, Infinity and numbers beyond a float never get in.

    Raises:
        NotJsonError: If it is no JSON.
        TooLargeError: If it holds more than `MAX_VALUES` values.
        WrongShapeError: If it is JSON but no object.
    """
    # every value but the first of its list or object follows a comma
    if body.count(b",") + body.count(b"[") + body.count(b"{") >= MAX_VALUES:
        raise TooLargeError("the body holds more values than any feed")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = _decode_leniently(body)
    if not isinstance(document, dict):
        raise WrongShapeError("the body is JSON but no object")
    return document


def content(document: dict[str, Any]) -> dict[str, Any]:
    """What the file says: the object under `data`, or the whole of a file that lacks the wrapper.

    Examples:
        >>> content({"version": "2.3", "data": {"bikes": []}})
        {'bikes': []}
        >>> content({"bikes": []})
        {'bikes': []}
    """
    data = document.get("data")
    return data if isinstance(data, dict) else document


def _decode_leniently(body: bytes) -> Any:
    try:
        return json.loads(
            body.decode("utf-8-sig", errors="replace"),
            parse_constant=lambda name: name,  # "NaN" as a text, which no number is read from
            parse_float=_finite,
            parse_int=_whole,
        )
    except (ValueError, RecursionError):
        # no cause: the decoder's message quotes the body's position, its context the body
        raise NotJsonError("the body is not JSON") from None


def _finite(digits: str) -> float | None:
    value = float(digits) if len(digits) <= MAX_DIGITS else math.inf
    return value if math.isfinite(value) else None


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= MAX_DIGITS else None
