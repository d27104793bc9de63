"""The sampler that goes out with a release: our own modules, zipped, and nothing written twice.

Which modules those are is found from their imports. A package is put in with its `__init__` only
if that is imported from itself; otherwise with an empty one, so that its other modules stay out.
"""

import ast
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

SAMPLER = "sampler.pyz"
_ENTRY = "tasks.synthesis.sampler_command"
_ROOT = Path(__file__).parents[2]
_MAIN = f"import sys\n\nfrom {_ENTRY} import main\n\nsys.exit(main())\n"


def sampler_archive() -> bytes:
    """The archive; its bytes depend on the code alone."""
    modules = {_file(name): _source(name) for name in sorted(_needed(_ENTRY))}
    packages = {
        parent / "__init__.py" for file in modules for parent in file.parents if parent != Path()
    }
    files = {Path("__main__.py"): _MAIN, **dict.fromkeys(packages, ""), **modules}
    content = io.BytesIO()
    content.write(b"#!/usr/bin/env python3\n")
    with zipfile.ZipFile(content, "a", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(files):
            archive.writestr(zipfile.ZipInfo(file.as_posix()), files[file], zipfile.ZIP_DEFLATED)
    return content.getvalue()


def _needed(entry: str) -> set[str]:
    """The module and all modules of this project that it imports, directly or not."""
    needed: set[str] = set()
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += _imported(name)
    return needed


def _imported(name: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(_source(name))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tasks":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if (_ROOT / _file(inner)).exists() else str(node.module)


def _file(name: str) -> Path:
    """Where a module lies, relative to the root; a package is its `__init__`."""
    path = Path(*name.split("."))
    return path / "__init__.py" if (_ROOT / path).is_dir() else path.with_suffix(".py")


def _source(name: str) -> str:
    return (_ROOT / _file(name)).read_text(encoding="utf-8")
