"""The stored model: plain arrays, JSON, and a manifest written last. No pickles."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tasks.files import read_manifest, verify_files, write_atomically, write_manifest
from tasks.region.model import TripNet
from tasks.synthesis.arrays import UNREADABLE, load_arrays, save_arrays
from tasks.synthesis.dpsgd import Shapes, Vector
from tasks.synthesis.errors import ModelFileError
from tasks.synthesis.grid import Grid

ARRAYS = "arrays.npz"
MODEL = "model.json"


@dataclass(frozen=True)
class StoredModel:
    """A trained `trip_net`.

    Attributes:
        settings: The synthesizer's settings.
        grid: The public grid.
        rows: Number of rows of a release: the number of trips n, which is public, under
            `zero_out`; a noisy count of them under `add_remove`.
        privacy: The privacy statement; JSON values.
        weights: The parameters as one vector, shape (size,).
    """

    settings: TripNet
    grid: Grid
    rows: int
    privacy: Mapping[str, Any]
    weights: Vector


def save_model(
    directory: Path, model: StoredModel, shapes: Shapes, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Write the arrays, the JSON and, last, the manifest.

    Args:
        directory: The model's directory.
        model: What is stored.
        shapes: Names and shapes of the parameters, in the order of the vector.
        facts: What else the manifest says; JSON values.

    Returns:
        The manifest.
    """
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
    parts = np.split(model.weights, ends[:-1])
    named = zip(shapes.items(), parts, strict=True)
    save_arrays(directory / ARRAYS, {name: part.reshape(shape) for (name, shape), part in named})
    document = {
        "synthesizer": model.settings.model_dump(mode="json"),
        "grid": model.grid.describe(),
        "rows": model.rows,
        "privacy": dict(model.privacy),
    }
    write_atomically(directory / MODEL, (json.dumps(document, indent=2) + "\n").encode())
    fields = {**facts, "rows": model.rows, "privacy": dict(model.privacy)}
    write_manifest(directory, fields, [ARRAYS, MODEL])
    manifest = read_manifest(directory)
    assert manifest is not None
    return manifest


def load_model(directory: Path) -> StoredModel:
    """Read a stored model and check it against its manifest.

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
        parts = load_arrays(directory / ARRAYS).values()
        return StoredModel(
            settings=TripNet.model_validate(document["synthesizer"]),
            grid=Grid.described(document["grid"]),
            rows=document["rows"],
            privacy=document["privacy"],
            weights=np.concatenate([part.ravel() for part in parts]),
        )
    except UNREADABLE as error:
        raise ModelFileError(
            f"{directory}: not a stored model of this version ({error}); restore it from a backup"
        ) from error
