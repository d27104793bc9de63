"""Trials: one run each, and the record that a finished one leaves."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tasks.files import Layout, read_manifest, write_manifest
from tasks.files.atomic import make_directories
from tasks.privacy.fingerprint import code_version, fingerprint
from tasks.search import Search, SearchedSettings
from tasks.tuning.candidates import Candidate
from tasks.tuning.day import identity_of


@dataclass(frozen=True)
class Trial:
    """One run of a search.

    Attributes:
        settings: The synthesizer's.
        epsilon: Privacy loss; None without a guarantee.
        delta: Probability that the loss exceeds epsilon.
        noise_multiplier: The noise that comes with them; None without a guarantee.
        source: What the day is made of: a city's name, a release's folder.
        seed: Draws the day of a city, and tells repetitions apart.
        key: Folder of its record: the same run by the same code has the same.
    """

    settings: SearchedSettings
    epsilon: float | None
    delta: float
    noise_multiplier: float | None
    source: str
    seed: int
    key: str

    def record(self, layout: Layout, search: Search) -> Path:
        """The folder of its record."""
        return layout.search(search.name) / "runs" / self.key

    def is_finished(self, layout: Layout, search: Search) -> bool:
        """Whether it has a record."""
        return read_manifest(self.record(layout, search)) is not None


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Attributes:
        steps: Steps that ran.
        valid: Share of valid rows when it was last judged.
        figures: How close its rows came, see `tasks.quality.metrics.Closeness`; empty if rejected.
        rejected: Why it was stopped, in one line; empty if it was not.
        seconds: What it took, by the clock.
    """

    steps: int
    valid: float
    figures: Mapping[str, float]
    rejected: str
    seconds: float


def trials(search: Search, candidate: Candidate) -> list[Trial]:
    """A run for each day and seed.

    Raises:
        TargetUnreachableError: If no noise keeps the candidate's epsilon.
    """
    described = candidate.describe()
    judged = {
        "described": described,
        "synthesizer": candidate.settings.name,
        "rejection": search.rejection.model_dump(mode="json"),
    }
    code = code_version()
    return [
        Trial(
            candidate.settings,
            described["epsilon"],
            candidate.delta,
            described["noise_multiplier"],
            source,
            seed,
            fingerprint(
                {**judged, "day": identity_of(search.data, source), "seed": seed}, code, ""
            )[:20],
        )
        for source in search.data.sources
        for seed in search.seeds
    ]


def save_outcome(directory: Path, search: Search, trial: Trial, outcome: Outcome) -> None:
    """Leave the record of a finished run; it is durable on return."""
    make_directories(directory)
    fields = {
        "kind": "run",
        "search": search.name,
        "synthesizer": trial.settings.model_dump(mode="json"),
        "epsilon": trial.epsilon,
        "delta": trial.delta,
        "noise_multiplier": trial.noise_multiplier,
        "source": trial.source,
        "seed": trial.seed,
        "outcome": asdict(outcome),
    }
    write_manifest(directory, fields, [])


def load_outcome(directory: Path) -> Outcome | None:
    """What became of a run, or None if it has not finished.

    Raises:
        FileError: If the record cannot be read.
    """
    manifest = read_manifest(directory)
    return None if manifest is None else Outcome(**_outcome(manifest))


def _outcome(manifest: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = manifest["outcome"]
    return found
