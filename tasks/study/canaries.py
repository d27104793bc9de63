"""Canaries: lines of a table that no row of it is, drawn by a law of their own."""

import datetime as dt
import string
from collections.abc import Container

import numpy as np

from tasks.comparison import GridLaw, StudyError, UniformLaw
from tasks.mobility.distance import EARTH_RADIUS_M
from tasks.tables.columns import (
    CategoryColumn,
    Column,
    DateColumn,
    DecimalColumn,
    IntegerColumn,
)
from tasks.tables.table import PublicTable

_METRES_A_DEGREE = float(np.radians(EARTH_RADIUS_M))
_TRIES = 100
"""A law that gives so many lines in a row that are taken has no others, or hardly any."""


def draw_canaries(
    law: UniformLaw | GridLaw,
    table: PublicTable,
    number: int,
    unlike: Container[str],
    generator: np.random.Generator,
) -> list[str]:
    """Lines of a table, no two of them equal.

    Args:
        law: What they are drawn by.
        table: The schema, which all of them meet.
        number: How many.
        unlike: Lines that none of them is, such as those of the real rows.
        generator: Draws them.

    Raises:
        StudyError: If the law has too few others, or draws what the schema does not allow.
    """
    found: dict[str, None] = {}
    for _ in range(number):
        for _ in range(_TRIES):
            line = _draw(law, table, generator)
            if line not in unlike and line not in found:
                found[line] = None
                break
        else:
            raise StudyError(
                f"table {table.name}: the law of the canaries hardly gives {number} rows that are "
                "not rows of the table; take fewer canaries and candidates"
            )
    return list(found)


def _draw(law: UniformLaw | GridLaw, table: PublicTable, generator: np.random.Generator) -> str:
    placed = _ends(law, generator) if isinstance(law, GridLaw) else {}
    narrower = {column.name: column for column in law.columns}
    texts = []
    for column in table.columns:
        if column.name in placed:
            text = _nearest(column, placed[column.name])
        else:
            text = _uniform(narrower.get(column.name, column), generator)
        if column.read(text) is None:
            raise StudyError(
                f"canaries.law: column {column.name!r} draws values that the table {table.name} "
                "does not allow; narrow it"
            )
        texts.append(text)
    return table.separator.join(texts)


def _ends(law: GridLaw, generator: np.random.Generator) -> dict[str, float]:
    """Latitudes and longitudes by column: two neighbouring nodes, moved."""
    row = int(generator.integers(law.nodes - 1))
    column = int(generator.integers(law.nodes))
    step = (law.north - law.south) / (law.nodes - 1)
    places = {}
    for end, names in enumerate((law.origin, law.destination)):
        latitude = law.south + (row + end) * step
        longitude = law.west + column * (law.east - law.west) / (law.nodes - 1)
        north, east = generator.uniform(-law.noise_m, law.noise_m, 2) / _METRES_A_DEGREE
        places[names[0]] = latitude + north
        places[names[1]] = longitude + east / max(np.cos(np.radians(latitude)), 1e-6)
    return places


def _nearest(column: Column, value: float) -> str:
    """The text of the value of a column that is nearest to a number."""
    if not isinstance(column, DecimalColumn):
        raise StudyError(
            f"column {column.name!r} holds no decimal numbers, so no latitude or longitude; name "
            "the columns of the canaries' ends in canaries.law"
        )
    return column.write(min(max(value, column.minimum), column.maximum))


def _uniform(column: Column, generator: np.random.Generator) -> str:
    """The text of a value of a column, each as likely as any other."""
    if isinstance(column, IntegerColumn):
        return column.write(int(generator.integers(column.minimum, column.maximum, endpoint=True)))
    if isinstance(column, DecimalColumn):
        unit = 10**column.places
        low, high = round(column.minimum * unit), round(column.maximum * unit)
        return column.write(int(generator.integers(low, high, endpoint=True)) / unit)
    if isinstance(column, CategoryColumn):
        return column.values[int(generator.integers(len(column.values)))]
    if isinstance(column, DateColumn):
        low, high = column.minimum.toordinal(), column.maximum.toordinal()
        day = int(generator.integers(low, high, endpoint=True))
        return column.write(dt.date.fromordinal(day))
    while True:  # until no space stands at an end
        length = int(generator.integers(column.min_length, column.max_length, endpoint=True))
        text = "".join(generator.choice(list(column.alphabet), length))
        if text == text.strip(string.whitespace):
            return text
