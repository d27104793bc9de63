"""The environment of the peers, which is not ours, and runs of `peer_synthesizers` in it."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from tasks import OpentripsError
from tasks.region import Guarantee

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "peer-requirements.txt"
PROGRAM = HERE / "peer_synthesizers.py"
ENVIRONMENT = HERE.parents[1] / ".cache" / "peers"
PEERS = ("smartnoise-mst", "private-pgm")


class PeerError(OpentripsError):
    """The peers cannot be installed, or one of them failed."""


def installed(folder: Path = ENVIRONMENT, requirements: Path = REQUIREMENTS) -> Path:
    """The peers' Python, installed unless it is there already with the same requirements.

    Args:
        folder: Of the environment; what lies there is replaced when the requirements differ.
        requirements: Pinned and complete.

    Raises:
        PeerError: If an environment cannot be made or a package cannot be had.
    """
    python = folder / "bin" / "python"
    mark = folder / "installed.txt"
    wanted = requirements.read_text(encoding="utf-8")
    if mark.is_file() and mark.read_text(encoding="utf-8") == wanted:
        return python
    pip: list[str | Path] = [
        python,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
        "--no-deps",
    ]
    _run([sys.executable, "-m", "venv", "--clear", folder], "no environment for the peers")
    _run([*pip, "-r", requirements], f"the peers of {requirements.name} cannot be installed")
    mark.write_text(wanted, encoding="utf-8")
    return python


def drawn(
    python: Path,
    peer: str,
    codes: NDArray[np.int64],
    sizes: Mapping[str, int],
    guarantee: Guarantee,
) -> NDArray[np.int64]:
    """Rows of a peer that was trained on rows.

    Args:
        python: The peers' Python.
        peer: One of `PEERS`.
        codes: Shape (n, columns).
        sizes: Name of each column and how many values it has.
        guarantee: Of the training.

    Returns:
        Shape (2 n, columns): n rows, and n spare ones behind them.

    Raises:
        PeerError: If the peer fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        rows, out = Path(folder, "rows.csv"), Path(folder, "out.csv")
        csv.write_csv(pa.table(list(codes.T), list(sizes)), rows)
        options = {
            "--sizes": json.dumps(sizes),
            "--epsilon": guarantee.epsilon,
            "--delta": guarantee.delta,
        }
        flags = [str(part) for option in options.items() for part in option]
        # isolated: it sees neither our packages nor our tree
        _run([python, "-I", PROGRAM, peer, *flags, rows, out], f"{peer} failed")
        synthetic = csv.read_csv(out)
    return np.column_stack([synthetic[name].to_numpy() for name in sizes])


def _run(command: list[str | Path], failure: str) -> None:
    quiet = {**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise PeerError(f"{failure}: {said[-1] if said else f'exit status {done.returncode}'}")
