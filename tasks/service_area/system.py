"""What a system says of itself in its file `system_information`."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import available_timezones

from tasks.gbfs.document import content
from tasks.service_area.outline import text_of


@dataclass(frozen=True)
class System:
    """What the operator says of the system; None where it says nothing that can be used.

    Attributes:
        id: The system's id.
        name: Its name for people.
        time_zone: IANA name.
    """

    id: str | None
    name: str | None
    time_zone: str | None


def parse_system(document: dict[str, Any]) -> System:
    """Read a decoded `system_information`; an empty one says nothing.

    Examples:
        >>> parse_system({"data": {"system_id": "town", "timezone": "CET+1"}})
        System(id='town', name=None, time_zone=None)
    """
    data = content(document)
    zone = _line(data.get("timezone"))
    return System(
        id=_line(data.get("system_id")),
        name=_line(data.get("name")),
        time_zone=zone if zone in available_timezones() else None,
    )


def _line(value: object) -> str | None:
    """A text as one line that no terminal obeys."""
    text = text_of(value) or ""
    return "".join(sign for sign in " ".join(text.split()) if sign.isprintable()) or None
