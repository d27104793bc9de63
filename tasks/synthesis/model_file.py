"""The stored model: plain arrays, JSON, and a manifest written last. No pickles."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from tasks.files import read_manifest, verify_files, write_atomically, write_manifest
from tasks.region.model import Synthesizer
from tasks.synthesis.arrays import UNREADABLE
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.plan import Rows, as_rows

MODEL = "model.json"
_SETTINGS: TypeAdapter[Synthesizer] = TypeAdapter(Synthesizer)


@dataclass(frozen=True)
class StoredModel:
    """What a stored model says of itself, whatever it is made of.

    Attributes:
        settings: The synthesizer's settings.
        rows: Number of rows of a release: the number of trips n, which is public, under
            `zero_out`; a noisy count of them under `add_remove`. Of starts and of ends likewise.
        privacy: The privacy statement; JSON values.
    """

    settings: Synthesizer
    rows: Rows
    privacy: Mapping[str, Any]


def save_model(
    directory: Path, model: StoredModel, files: Sequence[str], facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Write the statement and, last, the manifest.

    Args:
        directory: The model's directory.
        model: What is stored.
        files: Names of the files of which the model is made, written before.
        facts: What else the manifest says; JSON values.

    Returns:
        The manifest.
    """
    document = {
        "synthesizer": model.settings.model_dump(mode="json"),
        "rows": model.rows,
        "privacy": dict(model.privacy),
    }
    write_atomically(directory / MODEL, (json.dumps(document, indent=2) + "\n").encode())
    fields = {**facts, "rows": model.rows, "privacy": dict(model.privacy)}
    write_manifest(directory, fields, [*files, MODEL])
    manifest = read_manifest(directory)
    assert manifest is not None
    return manifest


def load_model(directory: Path) -> StoredModel:
    """Read a stored model's statement and check all its files against its manifest.

    Raises:
        ModelFileError: If the model is not finished or not readable.
        FileError: If a file is missing or altered.
    """
    manifest = read_manifest(directory)
    if manifest is None:
        raise ModelFileError(f"{directory}: no trained model; train the day first")
    verify_files(directory, manifest)
    try:
        document = json.loads((directory / MODEL).read_bytes())
        settings = _SETTINGS.validate_python(document["synthesizer"])
        return StoredModel(settings, as_rows(document["rows"]), document["privacy"])
    except UNREADABLE as error:
        raise ModelFileError(
            f"{directory}: not a stored model of this version ({error}); restore it from a backup"
        ) from error
