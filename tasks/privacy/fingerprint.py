"""The idempotency key of a charge: the same work on the same input is the same charge."""

import hashlib
import json
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

_ENGINES = ("mobility", "privacy", "synthesis")


def code_version(
    root: Path | None = None,
    without: Container[str] = (),
    engines: Sequence[str] = _ENGINES,
) -> str:
    """A hash of the source of the engines that touch private rows.

    A charge is resumed only by the code that reserved it: other code may be another mechanism.

    Args:
        root: The folder `tasks`; by default the one this file lies in.
        without: Files that are left out, as they are named from the root: those that touch none.
        engines: The rooms; by default those whose code decides what a charge pays for.

    Returns:
        64 hexadecimal digits.
    """
    root = root or Path(__file__).parent.parent
    digest = hashlib.sha256()
    for engine in engines:
        for path in sorted((root / engine).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if name in without:
                continue
            digest.update(name.encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def fingerprint(mechanism: Mapping[str, Any], code: str, input_sha256: str) -> str:
    """The key of a charge.

    Args:
        mechanism: Everything that decides what is computed: the mechanism's fields, the
            synthesizer's settings, the public grid; JSON values.
        code: Version of the code, from `code_version`.
        input_sha256: SHA-256 of the manifest of the private input.

    Returns:
        64 hexadecimal digits.

    Examples:
        >>> fingerprint({"steps": 1}, "a", "b") == fingerprint({"steps": 2}, "a", "b")
        False
    """
    document = {"mechanism": mechanism, "code": code, "input": input_sha256}
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
