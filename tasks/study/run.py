"""One run of a study: deal, train, generate, measure, leave a record."""

import io
import time
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.comparison import Study
from tasks.files import Layout, write_atomically
from tasks.study.comparison import compare
from tasks.study.material import Material, deal, lines_of
from tasks.study.repetition import repeat
from tasks.study.runs import Outcome, Run, load_outcome, save_outcome
from tasks.study.trained import train
from tasks.tables.lines import read_line
from tasks.tables.table import PublicTable

GENERATED = "generated.parquet"


def make(study: Study, run: Run, layout: Layout) -> Outcome:
    """Make a run, unless it has a record, and leave one.

    Raises:
        StudyError: If the study's rows are too few.
        TableError: If its rows cannot be read.
        TargetUnreachableError: If no noise keeps the run's guarantee.
    """
    directory = run.record(layout, study)
    if (before := load_outcome(directory)) is not None:
        return before
    start = time.perf_counter()
    material = deal(study, lines_of(study), run.seed)
    is_configuration = run.part == "configuration"
    training = material.with_canaries if is_configuration else material.with_secret(run.copies)
    trained = train(run, study.table, training)
    began = time.perf_counter()
    lines = trained.draw(_rows(study, run))
    figures = {"rows_a_second": len(lines) / (time.perf_counter() - began)}
    figures["seconds_an_epoch"] = trained.seconds / run.settings.epochs
    if trained.epsilon is not None and trained.noise_multiplier is not None:
        figures |= {"epsilon": trained.epsilon, "noise_multiplier": trained.noise_multiplier}
    if is_configuration or study.repetition is None:
        found, exposures = compare(study, material, trained, lines)
    else:
        found, exposures = repeat(study, study.repetition, material, trained, run.copies, lines)
    outcome = Outcome(figures | found, exposures, round(time.perf_counter() - start, 3))
    content = io.BytesIO()
    pq.write_table(_generated(lines, material, run, study.table), content, compression="zstd")
    write_atomically(directory / GENERATED, content.getvalue())
    save_outcome(directory, study, run, outcome, (GENERATED,))
    return outcome


def _rows(study: Study, run: Run) -> int:
    """How many rows a run generates."""
    if run.part == "repetition" and study.repetition is not None:
        return study.repetition.generated_rows
    return study.generated_rows


def _generated(lines: Sequence[str], material: Material, run: Run, table: PublicTable) -> pa.Table:
    """What was generated, line by line, and what each is a replay of, if of anything."""
    planted = material.canaries if run.part == "configuration" else (material.secret,)
    kinds = dict.fromkeys(material.held_out, "held-out row")
    kinds |= dict.fromkeys(material.rows[len(planted) :], "training row")
    kinds |= dict.fromkeys(planted, "canary")
    return pa.table(
        {
            "line": pa.array(lines, pa.string()),
            "valid": pa.array([read_line(line, table) is not None for line in lines], pa.bool_()),
            "replays": pa.array([kinds.get(line) for line in lines], pa.string()),
        }
    )
