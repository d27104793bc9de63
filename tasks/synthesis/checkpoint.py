"""Checkpoints: one file that holds the whole state of a training, replaced atomically.

A checkpoint holds what the mechanism released and nothing else: no masks, no noise, no keys. A
run that continues from it draws new ones.
"""

import json
from pathlib import Path

import numpy as np

from tasks.synthesis.arrays import UNREADABLE, load_arrays, save_arrays
from tasks.synthesis.dpsgd import OPTIMIZERS, Optimizer
from tasks.synthesis.errors import ModelFileError

CHECKPOINT = "checkpoint.npz"


def save_checkpoint(directory: Path, fingerprint: str, optimizer: Optimizer) -> None:
    """Replace the directory's checkpoint.

    Args:
        directory: The model's directory; made if missing.
        fingerprint: The charge the state belongs to.
        optimizer: The state.
    """
    (name,) = (name for name, kind in OPTIMIZERS.items() if type(optimizer) is kind)
    facts = {
        "fingerprint": fingerprint,
        "optimizer": name,
        "steps": optimizer.steps,
        "learning_rate": optimizer.learning_rate,
        "averaging": optimizer.averaging,
    }
    state = {array: getattr(optimizer, array) for array in optimizer.arrays()}
    told = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    save_arrays(directory / CHECKPOINT, {"facts": told, **state})


def load_checkpoint(directory: Path, fingerprint: str) -> Optimizer | None:
    """The state to continue from, or None if there is none for this charge.

    Raises:
        ModelFileError: If the file is not a checkpoint.
    """
    path = directory / CHECKPOINT
    if not path.exists():
        return None
    try:
        stored = load_arrays(path)
        facts = json.loads(stored["facts"].tobytes())
        if facts["fingerprint"] != fingerprint:
            return None
        kind = OPTIMIZERS[facts["optimizer"]]
        arrays = {array: stored[array] for array in kind.arrays()}
    except UNREADABLE as error:
        raise ModelFileError(
            f"{path}: not a checkpoint ({error}); restore it, or remove it to train from the start "
            "with the steps that are left"
        ) from error
    return kind(
        **arrays,
        steps=facts["steps"],
        learning_rate=facts["learning_rate"],
        averaging=facts["averaging"],
    )
