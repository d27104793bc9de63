"""The runs of a study: one training each, and the record that a finished one leaves."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tasks.audit.exposure import Exposure
from tasks.comparison import RowsFile, Study, TrainingGuarantee
from tasks.files import Layout, read_manifest, sha256_of, write_manifest
from tasks.files.atomic import make_directories
from tasks.privacy.fingerprint import code_version, fingerprint
from tasks.tables.settings import CharLstm

ENGINES = ("audit", "mobility", "privacy", "study", "synthesis", "tables")
"""The rooms whose code decides what a run finds."""


@dataclass(frozen=True)
class Run:
    """One training and what is measured of it.

    Attributes:
        part: Of which part of the study.
        name: The configuration's; in the repetition study `private` or `ordinary`.
        settings: The network and its training.
        guarantee: What it is trained under; None: without privacy.
        copies: How often each canary, or the secret, is planted.
        seed: Draws rows and canaries.
        key: Folder of its record: the same run by the same code has the same.
    """

    part: Literal["configuration", "repetition"]
    name: str
    settings: CharLstm
    guarantee: TrainingGuarantee | None
    copies: int
    seed: int
    key: str

    def record(self, layout: Layout, study: Study) -> Path:
        """The folder of its record."""
        return layout.study(study.name) / "runs" / self.key

    def is_finished(self, layout: Layout, study: Study) -> bool:
        """Whether it has a record."""
        return read_manifest(self.record(layout, study)) is not None


@dataclass(frozen=True)
class Outcome:
    """What a run found.

    Attributes:
        figures: By name; of a configuration those of `tasks.study.figures.FIGURES`.
        exposures: Those of its canaries, group by group.
        seconds: What it took, by the clock.
    """

    figures: Mapping[str, float]
    exposures: tuple[Exposure, ...]
    seconds: float


def runs_of(study: Study) -> list[Run]:
    """Every run of a study, configurations first; those of a seed stand together."""
    shared = {
        "table": study.table.model_dump(mode="json"),
        "rows": _identity(study),
        "training_rows": study.training_rows,
        "held_out_rows": study.held_out_rows,
        "canaries": {**study.canaries.model_dump(mode="json"), "file": _canaries_sha256(study)},
        "distance": study.distance.model_dump(mode="json"),
    }
    code = code_version(engines=ENGINES)

    def run(
        part: Literal["configuration", "repetition"],
        name: str,
        settings: CharLstm,
        guarantee: TrainingGuarantee | None,
        copies: int,
        seed: int,
        judged: Mapping[str, Any],
    ) -> Run:
        described = {
            **shared,
            **judged,
            "part": part,
            "settings": settings.model_dump(mode="json"),
            "guarantee": guarantee and guarantee.model_dump(mode="json"),
            "copies": copies,
            "seed": seed,
        }
        key = f"{name}-{copies}-{seed}-{fingerprint(described, code, '')[:12]}"
        return Run(part, name, settings, guarantee, copies, seed, key)

    found = []
    for seed in study.seeds:
        judged: dict[str, Any] = {"generated_rows": study.generated_rows}
        for each in study.configurations:
            found.append(
                run(
                    "configuration",
                    each.name,
                    each.synthesizer,
                    each.guarantee,
                    1,
                    seed,
                    judged,
                )
            )
        if (repetition := study.repetition) is not None:
            judged = {
                "generated_rows": repetition.generated_rows,
                "filters": repetition.filters.model_dump(mode="json"),
            }
            for copies in repetition.copies:
                for name, guarantee in (("ordinary", None), ("private", repetition.guarantee)):
                    found.append(
                        run(
                            "repetition",
                            name,
                            repetition.synthesizer,
                            guarantee,
                            copies,
                            seed,
                            judged,
                        )
                    )
    return found


def _identity(study: Study) -> dict[str, Any]:
    """What tells the rows from others; JSON values."""
    if isinstance(study.data, RowsFile):
        return {"sha256": study.data.path and sha256_of(Path(study.data.path))}
    return study.data.model_dump(mode="json")


def _canaries_sha256(study: Study) -> str | None:
    file = study.canaries.file
    return None if file is None else sha256_of(Path(file))


def save_outcome(
    directory: Path, study: Study, run: Run, outcome: Outcome, files: tuple[str, ...] = ()
) -> None:
    """Leave the record of a finished run; it is durable on return.

    Args:
        directory: Its folder.
        study: The study.
        run: The run.
        outcome: What it found.
        files: Names of files that lie there already.
    """
    make_directories(directory)
    fields = {
        "kind": "run of a study: not to be published",
        "study": study.name,
        "part": run.part,
        "name": run.name,
        "synthesizer": run.settings.model_dump(mode="json"),
        "guarantee": run.guarantee and run.guarantee.model_dump(mode="json"),
        "copies": run.copies,
        "seed": run.seed,
        "outcome": asdict(outcome),
    }
    write_manifest(directory, fields, files)


def load_outcome(directory: Path) -> Outcome | None:
    """What a run found, or None if it has not finished.

    Raises:
        FileError: If the record cannot be read.
    """
    manifest = read_manifest(directory)
    if manifest is None:
        return None
    found = manifest["outcome"]
    exposures = tuple(
        Exposure(**{**each, "bits": tuple(each["bits"])}) for each in found["exposures"]
    )
    return Outcome(found["figures"], exposures, found["seconds"])
