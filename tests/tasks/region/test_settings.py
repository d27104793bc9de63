from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import Field, ValidationError

from tasks.region import Region
from tasks.region.settings import Settings


def settings() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every setting of a region as the form has it."""
    schema = Region.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        for name, setting in model["properties"].items():
            yield f"{model['title']}.{name}", setting


@pytest.mark.parametrize(("name", "setting"), list(settings()))
def test_every_setting_can_be_read_in_a_form(name: str, setting: dict[str, Any]) -> None:
    assert "description" in setting or "$ref" in setting, name
    assert ">>>" not in str(setting)
    assert "oneOf" not in setting


class Chair(Settings):
    legs: int = Field(4, ge=3, le=4, description="How many stand on the floor.")
    height: float | None = Field(None, gt=0, description="Metres.")
    colour: str = Field("red", description="Of the seat.")


def test_a_range_is_said_and_without_one_nothing_is_added() -> None:
    properties = Chair.model_json_schema()["properties"]
    assert properties["legs"]["description"] == (
        "How many stand on the floor. At least 3, at most 4."
    )
    assert properties["height"]["description"] == "Metres. Over 0."
    assert properties["colour"]["description"] == "Of the seat."


def test_a_value_out_of_range_or_unknown_is_refused() -> None:
    with pytest.raises(ValidationError, match="less than or equal to 4"):
        Chair.model_validate({"legs": 5})
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Chair.model_validate({"arms": 2})
