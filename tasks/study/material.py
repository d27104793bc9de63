"""What a run of a study is made of: rows to train on, rows that are kept back, canaries."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tasks.comparison import RowsFile, Study, StudyError
from tasks.simulated.incomes import incomes
from tasks.simulated.ratings import ratings
from tasks.study.canaries import draw_canaries
from tasks.tables.lines import to_lines
from tasks.tables.read import read_rows


@dataclass(frozen=True)
class Material:
    """Lines of a table, dealt out.

    Attributes:
        rows: Rows of the table to train on, as many as there are training rows.
        held_out: Further rows, that no training sees.
        canaries: What is planted among the rows of a configuration.
        unseen: As many, of the law of the canaries, that are never planted.
        candidates: What canaries are ranked among, of the same law.
        secret: The one that is planted again and again, of the same law.
    """

    rows: tuple[str, ...]
    held_out: tuple[str, ...]
    canaries: tuple[str, ...]
    unseen: tuple[str, ...]
    candidates: tuple[str, ...]
    secret: str

    @property
    def with_canaries(self) -> list[str]:
        """The training rows of a configuration: each canary takes the place of a row."""
        return [*self.rows[len(self.canaries) :], *self.canaries]

    def with_secret(self, copies: int) -> list[str]:
        """The training rows with the secret planted so often."""
        return [*self.rows[copies:], *[self.secret] * copies]


def lines_of(study: Study) -> list[str]:
    """The table's rows as lines, in their order.

    Raises:
        StudyError: If no file is named.
        TableError: If the file cannot be read, or a row does not meet the schema.
    """
    data = study.data
    if isinstance(data, RowsFile):
        if data.path is None:
            raise StudyError(
                f"study {study.name}: it names no rows; set data.path, or call it with --data FILE"
            )
        return to_lines(read_rows(Path(data.path), study.table), study.table)
    simulate = {"ratings": ratings, "incomes": incomes}[data.simulator]
    return to_lines(simulate(data.rows, 0), study.table)


def deal(study: Study, lines: Sequence[str], seed: int) -> Material:
    """Draw the rows and the canaries of a seed; the same for all its runs.

    Args:
        study: The study.
        lines: All rows, from `lines_of`.
        seed: One of the study's.

    Raises:
        StudyError: If there are too few rows, or too few possible canaries.
        TableError: If the file of canaries is wrong.
    """
    needed = study.training_rows + study.held_out_rows
    if len(lines) < needed:
        raise StudyError(
            f"study {study.name}: the table has {len(lines):,} rows and the study needs "
            f"{study.training_rows:,} to train on and {study.held_out_rows:,} to keep back; lower "
            "training_rows or held_out_rows"
        )
    order = np.random.default_rng([seed, 0]).permutation(len(lines))[:needed]
    dealt = [lines[index] for index in order]
    canaries = study.canaries
    planted = _given(study)
    taken = {*lines, *planted}
    number = canaries.number - len(planted)
    drawn = draw_canaries(
        canaries.law,
        study.table,
        number + canaries.number + canaries.candidates + 1,
        taken,
        np.random.default_rng([seed, 1]),
    )
    planted += drawn[:number]
    rest = drawn[number:]
    return Material(
        rows=tuple(dealt[: study.training_rows]),
        held_out=tuple(dealt[study.training_rows :]),
        canaries=tuple(planted),
        unseen=tuple(rest[: canaries.number]),
        candidates=tuple(rest[canaries.number : -1]),
        secret=rest[-1],
    )


def _given(study: Study) -> list[str]:
    """The canaries of a file, at most as many as are planted; the first ones."""
    if study.canaries.file is None:
        return []
    rows = read_rows(Path(study.canaries.file), study.table)
    if rows.num_rows < study.canaries.number:
        raise StudyError(
            f"{study.canaries.file}: {rows.num_rows} canaries, and the study plants "
            f"{study.canaries.number}; lower canaries.number"
        )
    return to_lines(rows.slice(0, study.canaries.number), study.table)
