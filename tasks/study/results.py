"""What a study leaves: one table of all figures, and a page."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.comparison import Study
from tasks.files import Layout, write_atomically, write_manifest
from tasks.files.manifest import MANIFEST
from tasks.release.software import installed_software
from tasks.study.campaign import outcomes
from tasks.study.figures import FILTERS
from tasks.study.page import render_study
from tasks.study.runs import Outcome, Run
from tasks.study.summary import Found, repeated, rows_of, with_losses

RESULTS = "results.parquet"
PAGE = "index.html"

SCHEMA = pa.schema(
    {
        "study": pa.string(),
        "part": pa.string(),
        "name": pa.string(),
        "copies": pa.int64(),
        "seed": pa.int64(),
        "is_private": pa.bool_(),
        "filter": pa.string(),
        "figure": pa.string(),
        "value": pa.float64(),
        "published": pa.float64(),
    }
)
"""A row for each figure of each run; `filter` where a figure is of rows that went through one,
`published` where the study's file says what was published of it."""


@dataclass(frozen=True)
class Conclusion:
    """What was found.

    Attributes:
        page: Path of the page.
        rows: The figures of the configurations, a row for each figure, in words.
    """

    page: Path
    rows: list[dict[str, str]]


def sum_up(study: Study, runs: Sequence[Run], layout: Layout) -> Conclusion:
    """Write what a study has found, its manifest last; what it left before is replaced.

    Args:
        study: The study.
        runs: All its runs, which have finished.
        layout: Where records lie.

    Raises:
        StudyError: If the record of a run is missing.
        FileError: If one cannot be read.
    """
    found = with_losses(study, outcomes(study, runs, layout))
    directory = layout.study(study.name)
    software = installed_software()
    rows = rows_of(study, found)
    page = render_study(study, rows, repeated(study, found), found, software)
    (directory / MANIFEST).unlink(missing_ok=True)
    content = io.BytesIO()
    pq.write_table(results_table(study, found), content, compression="zstd")
    write_atomically(directory / RESULTS, content.getvalue())
    write_atomically(directory / PAGE, page.encode())
    fields = {
        "kind": "study: not to be published",
        "study": study.model_dump(mode="json"),
        "software": software.model_dump(mode="json"),
    }
    write_manifest(directory, fields, [RESULTS, PAGE])
    return Conclusion(directory / PAGE, [row.flat() for row in rows])


def results_table(study: Study, found: Found) -> pa.Table:
    """Every figure of every run, as `SCHEMA` has it."""
    rows = [row for run, outcome in found for row in _rows(study, run, outcome)]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _rows(study: Study, run: Run, outcome: Outcome) -> Iterator[dict[str, Any]]:
    published: dict[str, float] = {}
    if run.part == "configuration":
        (configuration,) = (each for each in study.configurations if each.name == run.name)
        published = {str(name): value for name, value in configuration.published.items()}
    figures = {**outcome.figures, "seconds": outcome.seconds}
    if run.part == "repetition":
        (exposure,) = outcome.exposures
        figures["exposure"] = exposure.mean
    for name, value in figures.items():
        figure, _, filtered = name.rpartition("_")
        is_filtered = run.part == "repetition" and filtered in FILTERS
        yield {
            "study": study.name,
            "part": run.part,
            "name": run.name,
            "copies": run.copies,
            "seed": run.seed,
            "is_private": run.guarantee is not None,
            "filter": filtered if is_filtered else None,
            "figure": figure if is_filtered else name,
            "value": value,
            "published": published.get(name),
        }
