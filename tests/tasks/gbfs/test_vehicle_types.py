import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.gbfs import BodyError, TooLargeError, WrongShapeError, parse_vehicle_types
from tasks.gbfs.document import decode
from tasks.gbfs.vehicle_types import MAX_TYPES
from tasks.schema import VEHICLE_TYPES
from tasks.schema.vehicle_types import FORM_FACTORS, PROPULSION_TYPES


def types_of(*records: Any) -> list[tuple[str, str | None, str | None]]:
    table = parse_vehicle_types({"data": {"vehicle_types": list(records)}})
    assert table.schema.equals(VEHICLE_TYPES.arrow(), check_metadata=True)
    return [tuple(row.values()) for row in table.to_pylist()]


def test_only_the_id_and_two_public_words_are_kept() -> None:
    plain = {
        "vehicle_type_id": "b",
        "form_factor": "scooter_standing",
        "propulsion_type": "electric",
        "max_range_meters": 30_000,
        "name": [{"text": "PLANTED", "language": "en"}],
        "vehicle_image": "https://PLANTED.example/",
        "return_constraint": "PLANTED",
    }
    assert types_of(plain) == [("b", "scooter_standing", "electric")]


def test_one_bad_record_never_costs_the_others() -> None:
    found = types_of(
        {"vehicle_type_id": "b", "form_factor": "PLANTED", "propulsion_type": None},
        None,
        "scooter",
        {"form_factor": "bicycle"},
        {"vehicle_type_id": "", "form_factor": "bicycle"},
        {"vehicle_type_id": ["x"]},
        {"vehicle_type_id": 3833465119576306229, "form_factor": " Bicycle ", "propulsion_type": 7},
        {"vehicle_type_id": "b", "form_factor": "moped"},
        {"vehicle_type_id": "a", "form_factor": {"text": "moped"}, "propulsion_type": "human"},
    )
    assert found == [
        ("3833465119576306229", "bicycle", None),
        ("a", None, "human"),
        ("b", None, None),
    ]


@pytest.mark.parametrize("document", [{}, {"data": {}}, {"data": {"vehicle_types": {"a": {}}}}])
def test_another_file_is_told(document: dict[str, Any]) -> None:
    with pytest.raises(WrongShapeError):
        parse_vehicle_types(document)


def test_an_endless_list_is_refused() -> None:
    with pytest.raises(TooLargeError):
        types_of(*[{"vehicle_type_id": number} for number in range(MAX_TYPES + 1)])


words = st.text(max_size=3) | st.sampled_from([*FORM_FACTORS, *PROPULSION_TYPES])
values = st.none() | st.booleans() | st.integers() | st.floats() | words
facts = st.sampled_from(["vehicle_type_id", "form_factor", "propulsion_type"])
records = st.recursive(values, lambda each: st.lists(each) | st.dictionaries(facts, each))


@given(st.dictionaries(st.sampled_from(["data", "vehicle_types"]), records))
def test_any_json_in_and_no_exception_out_but_ours(document: Any) -> None:
    for each in (document, {"data": document}):
        try:
            table = parse_vehicle_types(decode(json.dumps(each).encode()))
        except BodyError:
            continue
        ids = table["vehicle_type_id"].to_pylist()
        assert ids == sorted(set(ids))
        assert set(table["form_factor"].to_pylist()) <= {None, *FORM_FACTORS}


def test_every_shared_file(shared_data: Path) -> None:
    paths = sorted((shared_data / "gbfs").rglob("vehicle_types.json"))
    assert len(paths) >= 6
    for path in paths:
        document = decode(path.read_bytes())
        table = parse_vehicle_types(document)
        print(path.parent.name, document.get("version"), table.to_pylist())
        assert table.num_rows == len(document["data"]["vehicle_types"])
        assert table["form_factor"].null_count == table["propulsion_type"].null_count == 0
