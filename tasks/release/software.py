"""Which code made a release."""

import subprocess
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

PACKAGES = (
    "dp-accounting",
    "great-expectations",
    "numpy",
    "pyarrow",
    "tensorflow",
    "tensorflow-privacy",
)
"""The packages whose version can change a published number."""


class Software(BaseModel):
    """Versions of our code and of the packages that matter.

    Attributes:
        opentrips: Version, and the commit where the code runs from a git clone.
        packages: Package name to version.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    opentrips: str
    packages: dict[str, str]


def installed_software() -> Software:
    """The versions of the running code."""
    commit = _commit(Path(__file__).parents[2])
    own = version("opentrips")
    return Software(
        opentrips=f"{own}+{commit}" if commit else own,
        packages={name: version(name) for name in PACKAGES},
    )


def _commit(clone: Path) -> str | None:
    """Short commit hash, with `.dirty` where tracked files differ; None outside a clone."""
    if not (clone / ".git").exists():
        return None
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--exclude=*", "--abbrev=12", "--dirty=.dirty"],
            cwd=clone,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip() or None
