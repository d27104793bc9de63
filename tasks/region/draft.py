"""The file of a new region, for a person to read through and to go on with."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from pydantic import BaseModel

from tasks.region.model import Region


def draft_of(
    region: Region, service_area: str, notes: Sequence[str], remarks: Mapping[str, str]
) -> str:
    """A region's YAML: what must be said, and of the rest what differs from its default.

    Args:
        region: The region.
        service_area: Its service area as a block of YAML, comments included.
        notes: Lines for the top, as comments.
        remarks: Comments behind single settings, by the setting's name.
    """

    def line(name: str, value: Any, indent: str = "") -> str:
        flow = None if isinstance(value, dict) else False
        said = yaml.safe_dump(
            {name: value},
            default_flow_style=flow,
            sort_keys=False,
            allow_unicode=True,
            width=math.inf,
        ).strip()
        return f"{indent}{said}" + (f"  # {remarks[name]}" if name in remarks else "")

    (feed,) = region.feeds
    first, *others = (
        line(name, value, "    ")
        for name, value in {
            "id": feed.id,
            "url": feed.url,
            "poll_seconds": feed.poll_seconds,
            "id_regime": feed.id_regime,
            **({"clock": feed.clock} if feed.clock != "wall" else {}),
        }.items()
    )
    return "\n".join(
        [
            *(f"# {note}" for note in notes),
            *(line(name, getattr(region, name)) for name in ("id", "name", "time_zone")),
            service_area.rstrip("\n"),
            "feeds:",
            f"  - {first.lstrip()}",
            *others,
            line("guarantee", _set(region.guarantee)),
            "",
        ]
    )


def _set(model: BaseModel) -> dict[str, Any]:
    """The settings that are not left to be looked up."""
    return {name: value for name, value in model.model_dump().items() if value is not None}
