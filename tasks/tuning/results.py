"""What a search leaves: a table of all runs, the winner as a region's file has it, a page."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from tasks.files import Layout, write_atomically, write_manifest
from tasks.files.manifest import MANIFEST
from tasks.release.software import installed_software
from tasks.search import Search
from tasks.tuning.campaign import judged
from tasks.tuning.page import render_search, said_of_days
from tasks.tuning.scores import Score, front

RUNS = "runs.parquet"
PAGE = "index.html"
WINNER = "winner.yaml"
_GRAIN = 1_000
"""An epsilon that follows from noise is promised rounded up to a thousandth."""
_MOST_EPSILON = 10.0
"""A region promises no more."""


@dataclass(frozen=True)
class Conclusion:
    """What was found.

    Attributes:
        page: Path of the page.
        winner: The winner's YAML; None if nothing was chosen.
        rows: A row for each candidate, JSON values.
        rejected: Why runs were stopped early, one line for each.
    """

    page: Path
    winner: str | None
    rows: list[dict[str, Any]]
    rejected: list[str]


def conclude(search: Search, layout: Layout) -> Conclusion:
    """Write what a search has found, its manifest last; what it left before is replaced.

    Raises:
        SearchError: If the record of a run is missing.
        FileError: If one cannot be read.
    """
    scores, winner = judged(search, layout)
    directory = layout.search(search.name)
    software = installed_software()
    rows = [_row(each, scores, winner) for each in scores]
    chosen = None if winner is None else winner_yaml(search, winner)
    page = render_search(search, scores, winner, rows, chosen or "", software)
    (directory / MANIFEST).unlink(missing_ok=True)
    content = io.BytesIO()
    pq.write_table(runs_table(scores), content, compression="zstd")
    write_atomically(directory / RUNS, content.getvalue())
    write_atomically(directory / PAGE, page.encode())
    (directory / WINNER).unlink(missing_ok=True)
    if chosen is not None:
        write_atomically(directory / WINNER, chosen.encode())
    fields = {
        "kind": "search",
        "search": search.model_dump(mode="json"),
        "candidates": rows,
        "software": software.model_dump(mode="json"),
    }
    write_manifest(directory, fields, [RUNS, PAGE, *([WINNER] if chosen else [])])
    rejected = [line for score in scores for line in score.rejections]
    return Conclusion(directory / PAGE, chosen, rows, rejected)


def winner_yaml(search: Search, winner: Score) -> str:
    """The synthesizer and the guarantee of what was chosen, as a region's file has them."""
    said = (
        f"# Chosen by the search {search.name} on {said_of_days(search)}: "
        f"utility {winner.utility:.3f}, {winner.valid:.1%} of rows valid.\n"
    )
    document: dict[str, Any] = {"synthesizer": winner.candidate.settings.model_dump(mode="json")}
    if winner.epsilon is None:
        said += "# Trained without privacy: it has no guarantee, and none follows for other rows.\n"
        return said + yaml.safe_dump(document, sort_keys=False)
    epsilon = math.ceil(round(winner.epsilon * _GRAIN, 6)) / _GRAIN
    if epsilon > _MOST_EPSILON:
        said += (
            f"# Its noise costs epsilon {epsilon:g}, more than a region may promise: "
            "the guarantee is yours to set.\n"
        )
    else:
        document["guarantee"] = {"epsilon": epsilon, "delta": winner.candidate.delta}
    return said + yaml.safe_dump(document, sort_keys=False)


def runs_table(scores: Sequence[Score]) -> pa.Table:
    """A row for each run of each candidate: its settings, what became of it, all figures."""
    names = sorted({name for each in scores for _, run in each.runs for name in run.figures})
    rows = [
        {
            "stage": each.stage,
            "run": trial.key,
            "source": trial.source,
            "seed": trial.seed,
            "synthesizer": trial.settings.name,
            **trial.settings.model_dump(mode="json", exclude={"name"}),
            "epsilon": trial.epsilon,
            "delta": trial.delta,
            "noise_multiplier": trial.noise_multiplier,
            "steps_run": outcome.steps,
            "valid_rows": outcome.valid,
            "rejected": outcome.rejected or None,
            "seconds": outcome.seconds,
            **{name: outcome.figures.get(name) for name in names if name != "valid"},
        }
        for each in scores
        for trial, outcome in each.runs
    ]
    return pa.Table.from_pylist(rows)


def _row(score: Score, scores: Sequence[Score], winner: Score | None) -> dict[str, Any]:
    """A candidate as a row of a table."""
    if score is winner:
        outcome = "chosen"
    elif score.rejections:
        outcome = "rejected"
    elif not score.is_valid:
        outcome = "too few valid rows"
    else:
        outcome = "on the front" if score in front(scores) else ""
    return {
        "stage": score.stage,
        **score.candidate.describe(),
        "valid": score.valid,
        "utility": score.utility,
        "outcome": outcome,
    }
