import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.tables import Grammar, IntegerColumn, PublicTable, read_line, to_lines
from tests.tasks.tables.schemas import arrow, columns, rows, tables


@given(st.data())
def test_the_lines_of_rows_are_accepted(data: st.DataObject) -> None:
    table = data.draw(tables())
    row = data.draw(rows(table))
    (line,) = to_lines(arrow(table, [row]), table)
    assert Grammar.of(table).accepts(line)


@given(st.data())
def test_what_is_near_a_line_is_accepted_exactly_if_it_is_one(data: st.DataObject) -> None:
    table = data.draw(tables())
    grammar = Grammar.of(table)
    (line,) = to_lines(arrow(table, [data.draw(rows(table))]), table)
    place = data.draw(st.integers(0, len(line)))
    middle = data.draw(st.text(table.alphabet + "+0", max_size=2))
    changed = line[:place] + middle + line[place + data.draw(st.integers(0, 2)) :]
    assert grammar.accepts(changed) == (read_line(changed, table) is not None)


@given(st.data())
def test_a_walk_that_keeps_to_the_grammar_writes_a_valid_line(data: st.DataObject) -> None:
    table = data.draw(tables())
    grammar = Grammar.of(table)
    state, line = 0, ""
    while True:
        allowed = np.flatnonzero(grammar.next_state[state] >= 0)
        chosen = data.draw(st.sampled_from(allowed.tolist()))
        state = int(grammar.next_state[state, chosen])
        if chosen == len(table.alphabet):
            break
        line += table.alphabet[chosen]
    assert read_line(line, table) is not None
    assert state == len(grammar) - 1


@settings(max_examples=30)
@given(columns("only"))
def test_the_longest_line_is_as_long_as_the_table_says(column: IntegerColumn) -> None:
    table = PublicTable(name="one", columns=(column,), separator="|")
    next_state = Grammar.of(table).next_state
    reached, length = {0}, 0
    longest = 0
    while reached:
        if any(next_state[state, -1] >= 0 for state in reached):
            longest = length
        reached = {int(to) for state in reached for to in next_state[state, :-1] if to >= 0}
        length += 1
    assert longest == table.line_length


@pytest.mark.parametrize(
    ("low", "high"), [(0, 0), (-5, -5), (7, 7), (-12, 305), (98, 1002), (-1000, -99), (0, 9)]
)
def test_every_number_is_accepted_and_none_beside(low: int, high: int) -> None:
    table = PublicTable(
        name="one", columns=(IntegerColumn(name="only", minimum=low, maximum=high),)
    )
    grammar = Grammar.of(table)
    for number in range(low - 120, high + 120):
        assert grammar.accepts(str(number)) == (low <= number <= high)
    for text in ("", "-", "-0", "00", f"0{high}", f"+{high}", f"{high} "):
        assert not grammar.accepts(text)


def test_a_grammar_of_wide_bounds_is_small_and_its_end_leads_to_itself() -> None:
    bounds = {"kind": "decimal", "minimum": -180, "maximum": 180, "places": 6}
    table = PublicTable.model_validate(
        {
            "name": "wide",
            "columns": [
                {**bounds, "name": "longitude"},
                {"kind": "date", "name": "day", "minimum": "0001-01-01", "maximum": "9999-12-31"},
            ],
        }
    )
    grammar = Grammar.of(table)
    assert len(grammar) < 200
    assert grammar.next_state.dtype == np.int32
    assert (grammar.next_state[-1, :-1] == -1).all()
    assert grammar.next_state[-1, -1] == len(grammar) - 1
    assert (grammar.next_state.max(axis=1) >= 0).all()
