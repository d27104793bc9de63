"""The hashes of a release as `sha256sum --check` reads them: SHA256SUMS."""

from collections.abc import Iterable
from pathlib import Path

from tasks.files import sha256_of

SUMS = "SHA256SUMS"


def length_of_sums(files: Iterable[str]) -> int:
    r"""How many bytes the hashes of files take, whatever they are.

    Examples:
        >>> length_of_sums(["a.csv"]) == len("0" * 64 + "  a.csv\n")
        True
    """
    return sum(64 + 2 + len(name.encode()) + 1 for name in files)


def write_sums(directory: Path, files: Iterable[str]) -> str:
    """Write the hashes of finished files; returns the name of what was written."""
    lines = [f"{sha256_of(directory / name)}  {name}\n" for name in sorted(files)]
    (directory / SUMS).write_text("".join(lines), encoding="utf-8")
    return SUMS
