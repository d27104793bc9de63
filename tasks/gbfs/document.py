"""A GBFS file as JSON: bytes to a dictionary, and what lies under `data`."""

import json
from typing import Any

import orjson

from tasks.gbfs.errors import NotJsonError, WrongShapeError


def decode(body: bytes) -> dict[str, Any]:
    """Read a body as one JSON object.

    What strict JSON refuses but costs only one record (NaN, a lone surrogate in a name, bytes
    that are not UTF-8) is read leniently; the record that holds it is then set aside if the
    fault lies in a value that is kept.

    Raises:
        NotJsonError: If it is no JSON.
        WrongShapeError: If it is JSON but no object.
    """
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
        return json.loads(body.decode("utf-8-sig", errors="replace"))
    except (ValueError, RecursionError):
        # no cause: the decoder's message quotes the body's position, its context the body
        raise NotJsonError("the body is not JSON") from None
