from hypothesis import given
from hypothesis import strategies as st

from tasks.tables import PublicTable, from_lines, read_line, to_lines
from tests.tasks.tables.schemas import arrow, rows, tables


@given(st.data())
def test_what_was_written_is_read_back(data: st.DataObject) -> None:
    table = data.draw(tables())
    drawn = data.draw(st.lists(rows(table), max_size=3))
    lines = to_lines(arrow(table, drawn), table)
    assert [read_line(line, table) for line in lines] == drawn
    assert from_lines(lines, table).equals(arrow(table, drawn))
    for line in lines:
        assert set(line) <= set(table.alphabet)
        assert len(line) <= table.line_length


@given(st.data())
def test_equal_rows_are_equal_lines_and_others_are_not(data: st.DataObject) -> None:
    table = data.draw(tables())
    one, other = data.draw(rows(table)), data.draw(rows(table))
    first, second = to_lines(arrow(table, [one, other]), table)
    assert (first == second) == (one == other)


def test_invalid_lines_are_left_out() -> None:
    table = PublicTable.model_validate(
        {
            "name": "rides",
            "columns": [
                {"kind": "integer", "name": "hour", "minimum": 0, "maximum": 23},
                {"kind": "decimal", "name": "km", "minimum": 0, "maximum": 9.5, "places": 1},
            ],
        }
    )
    found = from_lines(["7,0.5", "24,1", "7", "7,1,1", "", "07,1", "8,1.50", "9,9.5"], table)
    assert found.to_pylist() == [{"hour": 7, "km": 0.5}, {"hour": 9, "km": 9.5}]
    assert from_lines([], table).num_rows == 0
