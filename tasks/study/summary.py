"""The figures of a study for people: over its seeds, beside those published elsewhere."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from tasks.audit.exposure import Exposure
from tasks.comparison import Configuration, FigureName, Study, TripDistance
from tasks.study.figures import FIGURES, FILTERS, Unit, said
from tasks.study.runs import Outcome, Run

Found = Sequence[tuple[Run, Outcome]]
"""Runs with what they found."""


@dataclass(frozen=True)
class Row:
    """A figure of all configurations.

    Attributes:
        words: What it is.
        ours: By configuration; empty where there is none.
        published: Likewise, of configurations of which something was published.
    """

    words: str
    ours: Mapping[str, str]
    published: Mapping[str, str]

    def flat(self) -> dict[str, str]:
        """As a row of a table."""
        cells = {"figure": self.words}
        for name, value in self.ours.items():
            cells[name] = value
            if name in self.published:
                cells[f"{name}, published"] = self.published[name]
        return cells


@dataclass(frozen=True)
class Repeated:
    """What became of a secret that was planted so often, over all seeds.

    Attributes:
        copies: How often it was planted.
        is_private: Whether the network was trained under the guarantee.
        secrets: Share of the valid rows that are the secret, by filter.
        rows: Mean number of valid rows that are left, by filter.
        exposure: Its exposure in the mean, bits.
        expected: Secrets due by the network's own chance; None where that is not known.
    """

    copies: int
    is_private: bool
    secrets: Mapping[str, float]
    rows: Mapping[str, float]
    exposure: float
    expected: float | None


def with_losses(study: Study, found: Found) -> list[tuple[Run, Outcome]]:
    """Runs with what they found, and with the accuracy that each lost against another."""
    accuracies = {
        (run.name, run.seed): outcome.figures["held_out_accuracy"]
        for run, outcome in found
        if run.part == "configuration"
    }
    against = {each.name: each.against for each in study.configurations}
    complete = []
    for run, outcome in found:
        other = against.get(run.name) if run.part == "configuration" else None
        if other is not None:
            lost = accuracies[other, run.seed] - accuracies[run.name, run.seed]
            outcome = replace(outcome, figures={**outcome.figures, "accuracy_lost": lost})
        complete.append((run, outcome))
    return complete


def exposures_by_name(study: Study, found: Found) -> list[Exposure]:
    """The exposures of every configuration, those of its first seed, named by it."""
    return [
        replace(exposure, group=f"{run.name}, {exposure.group}")
        for run, outcome in found
        if run.part == "configuration" and run.seed == study.seeds[0]
        for exposure in outcome.exposures
    ]


def rows_of(study: Study, found: Found) -> list[Row]:
    """A row for each figure that some configuration has."""
    in_metres = isinstance(study.distance, TripDistance)
    rows = []
    for name, figure in FIGURES.items():
        ours = {
            each.name: _over_seeds(_values(found, each, name), figure.unit, in_metres)
            for each in study.configurations
        }
        published = {
            each.name: said(each.published[name], figure.unit, in_metres)
            if name in each.published
            else ""
            for each in study.configurations
            if each.published
        }
        if any(ours.values()):
            rows.append(Row(figure.words, ours, published))
    return rows


def repeated(study: Study, found: Found) -> list[Repeated]:
    """What became of the secret, by copies; without privacy first."""
    if study.repetition is None:
        return []
    rows = []
    for copies in study.repetition.copies:
        for is_private in (False, True):
            outcomes = [
                outcome
                for run, outcome in found
                if (run.part, run.copies, run.guarantee is not None)
                == ("repetition", copies, is_private)
            ]
            rows.append(_repeated(copies, is_private, outcomes))
    return rows


def _repeated(copies: int, is_private: bool, outcomes: Sequence[Outcome]) -> Repeated:
    def mean(name: str) -> float:
        return fmean(outcome.figures[name] for outcome in outcomes)

    rows = {name: mean(f"rows_{name}") for name in FILTERS}
    shares = {name: mean(f"secrets_{name}") / rows[name] if rows[name] else 0.0 for name in FILTERS}
    is_known = all("secrets_expected" in outcome.figures for outcome in outcomes)
    return Repeated(
        copies,
        is_private,
        shares,
        rows,
        fmean(exposure.mean for outcome in outcomes for exposure in outcome.exposures),
        mean("secrets_expected") if is_known else None,
    )


def _values(found: Found, configuration: Configuration, name: FigureName) -> list[float]:
    return [
        outcome.figures[name]
        for run, outcome in found
        if (run.part, run.name) == ("configuration", configuration.name) and name in outcome.figures
    ]


def _over_seeds(values: Iterable[float], unit: Unit, in_metres: bool) -> str:
    """The mean and, of several seeds, what it lies between."""
    found = list(values)
    if not found:
        return ""
    mean = said(fmean(found), unit, in_metres)
    if min(found) == max(found):
        return mean
    low, high = (said(end, unit, in_metres) for end in (min(found), max(found)))
    return f"{mean} ({low} to {high})"
