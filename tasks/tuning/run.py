"""One run: train, judge after a first part, go on or stop, compare."""

import math
import time

from tasks.files import Layout
from tasks.search import Search
from tasks.tuning.day import read_day
from tasks.tuning.errors import DivergedError
from tasks.tuning.trial import Outcome, Trial, load_outcome, save_outcome
from tasks.tuning.tuned import tuned


def try_out(search: Search, trial: Trial, layout: Layout) -> Outcome:
    """Run a trial, unless it has a record, and leave one.

    Raises:
        SearchError: If its day may not be looked at.
        QualityError: If its day cannot be compared with.
        FileError: If a file was altered.
    """
    directory = trial.record(layout, search)
    if (before := load_outcome(directory)) is not None:
        return before
    outcome = _run(search, trial, layout)
    save_outcome(directory, search, trial, outcome)
    return outcome


def _run(search: Search, trial: Trial, layout: Layout) -> Outcome:
    start = time.perf_counter()

    def outcome(steps: int, valid: float, figures: dict[str, float], rejected: str) -> Outcome:
        return Outcome(steps, valid, figures, rejected, round(time.perf_counter() - start, 3))

    day = read_day(search.data, trial.source, trial.seed, layout)
    synthesizer, rule = tuned(trial.settings, search.data), search.rejection
    first = max(1, math.floor(rule.share_of_steps * synthesizer.steps))
    training = synthesizer.train(day, trial.noise_multiplier, (first, synthesizer.steps))
    try:
        valid = day.valid_share(next(training)(rule.rows))
        if valid < rule.least_valid:
            said = f"{valid:.1%} of rows valid after {first} of {synthesizer.steps} steps"
            return outcome(first, valid, {}, f"{said}, under {rule.least_valid:.1%}")
        rows = next(training)(day.rows)
    except DivergedError as error:
        return outcome(0, 0.0, {}, str(error))
    figures = day.figures(rows)
    return outcome(synthesizer.steps, figures["valid"], figures, "")
