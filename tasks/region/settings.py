"""What the models of settings have in common: they do not change, and they read as a form.

Prefect makes the form of a run from their JSON schemas. It checks ranges but does not show them,
and offers a choice of models only where the schema says `anyOf`.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict


def _as_form(schema: dict[str, Any]) -> None:
    """Say each setting's range in its description, and let models be chosen from."""
    for setting in schema["properties"].values():
        if said := _range_of(setting):
            setting["description"] = f"{setting['description']} {said}"
        for choice in (setting, setting.get("items", {})):
            if "discriminator" in choice:
                del choice["discriminator"]
                choice["anyOf"] = choice.pop("oneOf")


def _range_of(setting: dict[str, Any]) -> str:
    """The range of a number in words; empty where there is none.

    Examples:
        >>> _range_of({"type": "integer", "minimum": 10, "maximum": 3600})
        'At least 10, at most 3600.'
        >>> _range_of({"anyOf": [{"exclusiveMinimum": 0}, {"type": "null"}]})
        'Over 0.'
    """
    bounds = {key: value for kind in setting.get("anyOf", [setting]) for key, value in kind.items()}
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "over",
        "maximum": "at most",
        "exclusiveMaximum": "under",
    }
    said = ", ".join(f"{word} {bounds[key]:.10g}" for key, word in words.items() if key in bounds)
    return f"{said[:1].upper()}{said[1:]}." if said else ""


class Settings(BaseModel):
    """Settings that do not change once they are valid, and know no others."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=_as_form)
