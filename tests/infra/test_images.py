import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.infra.schema import INFRA, ROOT

DOCKERFILE = INFRA / "images" / "Dockerfile"
KINDS = ("slim", "gpu")
KNOWN = {
    *("ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "FROM", "RUN", "USER", "VOLUME", "WORKDIR"),
}


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile and what follows each."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    text = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line]


def sources(kind: str) -> Iterator[tuple[str, str]]:
    """What an image takes from the clone, and where it goes below its own root."""
    for instruction, arguments in instructions():
        if instruction == "COPY" and not arguments.startswith("--from="):
            *files, place = arguments.replace("${KIND}", kind).split()
            for file in files:
                yield file, file if place == "./" else place


def in_context(path: str) -> bool:
    """Whether the .dockerignore lets a path, or a folder it is in, into the build."""
    included = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!")
            parents = [path, *map(str, Path(path).parents)]
            if any(fnmatch(parent, pattern) for parent in parents if parent != "."):
                included = line.startswith("!")
    return included


def test_every_instruction_is_one_that_is_meant_here() -> None:
    assert {name for name, _ in instructions()} == KNOWN
    assert instructions()[0][0] == "FROM"


def test_images_are_made_from_the_python_of_this_project_at_a_named_version() -> None:
    bases = {arguments.split()[0] for name, arguments in instructions() if name == "FROM"}
    assert bases == {"python:3.11-slim-bookworm"}
    assert sys.version_info[:2] == (3, 11)


def test_a_run_is_nobody_in_particular_and_its_signals_arrive() -> None:
    final = dict(instructions())
    user, group = map(int, final["USER"].split(":"))
    assert user > 0 < group
    assert f"--uid {user} " in final["RUN"]
    assert final["ENTRYPOINT"] == '["/usr/bin/tini", "-g", "--"]'
    assert final["CMD"].startswith("[")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_copied_is_there_and_nothing_else_is_sent(kind: str) -> None:
    copied = [file for file, _ in sources(kind)]
    assert f"infra/{kind}-requirements.txt" in copied
    for file in copied:
        assert (ROOT / file).exists(), file
        assert in_context(file), file
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    assert let_in == {file for kind in KINDS for file, _ in sources(kind)}
    assert not in_context("data/private/ledger.sqlite")
    assert not in_context("infra/kubernetes/secrets/opentrips.env")
    assert not in_context("flows/__pycache__")


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[a-z,-]+\])?==(\S+)", lock.read_text(), re.M))


@pytest.mark.parametrize("kind", KINDS)
def test_images_have_the_versions_of_the_lock(kind: str) -> None:
    own, tested = pins(INFRA / f"{kind}-requirements.txt"), pins(ROOT / "requirements.txt")
    assert {name: own[name] for name in own.keys() & tested.keys()} == {
        name: tested[name] for name in own.keys() & tested.keys()
    }
    assert "setuptools" in own  # by which the image installs the clone
    assert not {"pytest", "ruff", "mypy", "moto"} & own.keys()


def test_only_the_gpu_image_has_cuda_and_only_the_slim_one_starts_containers_and_jobs() -> None:
    slim, gpu = (set(pins(INFRA / f"{kind}-requirements.txt")) for kind in KINDS)
    assert {"prefect-docker", "prefect-kubernetes"} <= slim - gpu
    assert {name for name in gpu - slim if not name.startswith("nvidia-")} == set()
    assert "nvidia-cudnn-cu12" in gpu - slim


@pytest.mark.slow
def test_the_command_line_runs_from_what_an_image_has(tmp_path: Path) -> None:
    for file, place in sources("slim"):
        if place.startswith("/"):
            continue
        copy = shutil.copytree if (ROOT / file).is_dir() else shutil.copy
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / file, tmp_path / place)
    told = subprocess.run(
        [sys.executable, "-m", "flows.cli", "deploy", "--code", "image", "--pools", "kubernetes"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stderr.startswith("opentrips: deploy needs a Prefect server"), told.stderr
    templates = {path.name for path in (tmp_path / "infra" / "pools").iterdir()}
    assert templates == {path.name for path in (INFRA / "pools").iterdir()}
