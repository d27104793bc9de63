from typing import Any

import pytest

from tasks.service_area.system import System, parse_system


def test_versions_two_and_three() -> None:
    said = {"system_id": "town", "name": "Town Bikes", "timezone": "Europe/Berlin"}
    expected = System("town", "Town Bikes", "Europe/Berlin")
    assert parse_system({"data": said}) == expected
    names = [{"language": "de", "text": "Town Bikes"}]
    assert parse_system({"data": {**said, "name": names}}) == expected


@pytest.mark.parametrize("value", [None, 7, "", " \n ", [], {}, ["x"], "\x1b"])
def test_what_is_no_text_says_nothing(value: Any) -> None:
    document = {"data": {"system_id": value, "name": value, "timezone": value}}
    assert parse_system(document) == System(None, None, None)


def test_no_name_speaks_to_a_terminal() -> None:
    found = parse_system({"data": {"name": "Town\n\x1b[31mBikes\u202e"}})
    assert found.name == "Town [31mBikes"
