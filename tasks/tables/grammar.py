"""The grammar of a table's lines: which characters may come next, as a finite automaton."""

import calendar
import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tasks.tables.automaton import END, Automaton
from tasks.tables.columns import (
    CategoryColumn,
    Column,
    DateColumn,
    DecimalColumn,
    IntegerColumn,
    TextColumn,
)
from tasks.tables.number_grammar import number_state
from tasks.tables.table import PublicTable

Edges = dict[str, int]


@dataclass(frozen=True)
class Grammar:
    """A finite automaton that accepts a table's valid lines, and no other text.

    Attributes:
        alphabet: The table's alphabet.
        next_state: Next state by state and character, int32, shape (states, characters + 1); -1
            where the character is not allowed. The last column is the end of the line. State 0 is
            the start. The end leads to the last state, from which the end alone leads on, to
            itself.

    Examples:
        >>> table = PublicTable.model_validate({
        ...     "name": "hours",
        ...     "columns": [{"kind": "integer", "name": "hour", "minimum": 0, "maximum": 23}],
        ... })
        >>> grammar = Grammar.of(table)
        >>> grammar.accepts("23"), grammar.accepts("24"), grammar.accepts("03"), len(grammar)
        (True, False, False, 5)
    """

    alphabet: str
    next_state: NDArray[np.int32]

    @classmethod
    def of(cls, table: PublicTable) -> Self:
        """The grammar of a table; from its last column to its first."""
        automaton = Automaton()
        final = automaton.state({})
        after = {END: final}
        for column in reversed(table.columns):
            start = _column(automaton, column, after)
            after = {table.separator: start}
        states = automaton.reached(start)
        states.append(states.pop(states.index(final)))
        number = {state: index for index, state in enumerate(states)}
        place = {character: index for index, character in enumerate(table.alphabet)}
        place[END] = len(place)
        next_state = np.full((len(states), len(place)), -1, np.int32)
        for state in states:
            for character, to in automaton.states[state].items():
                next_state[number[state], place[character]] = number[to]
        next_state[-1, -1] = number[final]
        return cls(table.alphabet, next_state)

    def __len__(self) -> int:
        """Number of states."""
        return len(self.next_state)

    def accepts(self, line: str) -> bool:
        """Whether a text is a valid line."""
        state = 0
        for character in line:
            index = self.alphabet.find(character)
            state = -1 if index < 0 else int(self.next_state[state, index])
            if state < 0:
                return False
        return bool(self.next_state[state, -1] >= 0)


def _column(automaton: Automaton, column: Column, after: Edges) -> int:
    """The state from which the texts of a column lead on to what follows it."""
    match column:
        case IntegerColumn():
            return number_state(automaton, column.minimum, column.maximum, 0, after)
        case DecimalColumn():
            low, high = (
                int(Decimal(repr(bound)).scaleb(column.places))
                for bound in (column.minimum, column.maximum)
            )
            return number_state(automaton, low, high, column.places, after)
        case CategoryColumn():
            return automaton.words(dict.fromkeys(column.values, after))
        case DateColumn():
            return _date(automaton, column, after)
        case TextColumn():
            return _text(automaton, column, after)


def _text(automaton: Automaton, column: TextColumn, after: Edges) -> int:
    """A counter of characters, which knows whether the last one was a space."""
    ends: Edges = dict(after)
    following: int | None = None
    following_a_space: int | None = None
    others = column.characters - {" "}
    for length in range(column.max_length, -1, -1):
        edges: dict[str, int | None] = dict.fromkeys(others, following)
        if " " in column.characters and length > 0:
            edges[" "] = following_a_space
        may_end = length >= column.min_length
        following, following_a_space = (
            automaton.state_or_none({**edges, **(ends if may_end else {})}),
            automaton.state_or_none(edges),
        )
    assert following is not None
    return following


def _date(automaton: Automaton, column: DateColumn, after: Edges) -> int:
    """Years, each with the days that it has; all years between the bounds' are of two kinds."""
    kinds: dict[tuple[bool, dt.date | None, dt.date | None], Edges] = {}
    years = {}
    for year in range(column.minimum.year, column.maximum.year + 1):
        first, last = dt.date(year, 1, 1), dt.date(year, 12, 31)
        low = column.minimum if column.minimum > first else None
        high = column.maximum if column.maximum < last else None
        kind = (calendar.isleap(year), low, high)
        if kind not in kinds:
            begin, end = (low or first).toordinal(), (high or last).toordinal()
            days = map(dt.date.fromordinal, range(begin, end + 1))
            texts = {day.isoformat()[4:]: after for day in days}
            kinds[kind] = dict(automaton.states[automaton.words(texts)])
        years[f"{year:04}"] = kinds[kind]
    return automaton.words(years)
