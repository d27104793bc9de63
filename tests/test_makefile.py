import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def make(
    *arguments: str, path: str | None = None, cwd: Path = ROOT
) -> "subprocess.CompletedProcess[str]":
    # The tests may themselves be run by make, which would hand its flags down.
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    environment |= {"PATH": path} if path else {}
    return subprocess.run(
        [shutil.which("make") or "make", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The files that `make install` reads, without an environment."""
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def tools(folder: Path, *names: str) -> str:
    """A PATH that holds the named tools and nothing else."""
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(shutil.which(name) or name)
    return str(folder)


BASICS = ("bash", "mkdir", "touch", "grep", "sed", "expand", "rm", "echo")


def test_make_alone_lists_every_target() -> None:
    listed = {line.split()[0] for line in make().stdout.splitlines()}
    declared = set(re.findall(r"^\.PHONY: (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert listed == declared
    assert {"run", "test", "test-slow", "lock", "install"} <= listed


@pytest.mark.parametrize(
    ("present", "said"),
    [((), "git is missing"), (("git",), "python3.11 is missing; install Python 3.11")],
)
def test_a_missing_tool_gets_one_line(clone: Path, present: tuple[str, ...], said: str) -> None:
    run = make("install", path=tools(clone / "bin", *BASICS, *present), cwd=clone)
    assert run.returncode != 0
    assert run.stdout.count("\n") == 1
    assert run.stdout.startswith(said)


def test_a_python_that_cannot_make_environments_gets_one_line(clone: Path) -> None:
    path = tools(clone / "bin", *BASICS, "git")
    fake = clone / "bin" / "python3.11"
    fake.write_text("#!/bin/bash\nexit 1\n")
    fake.chmod(0o755)
    run = make("install", path=path, cwd=clone)
    assert run.stdout.startswith("python3.11 cannot make environments")
    assert run.stdout.count("\n") == 1


def test_the_lock_has_hashes_and_no_addresses() -> None:
    for lock in ("requirements.txt", "infra/gpu-requirements.txt", "infra/slim-requirements.txt"):
        text = (ROOT / lock).read_text()
        assert "://" not in text
        pinned = re.split(r"\n(?=[a-z])", text)
        assert all("--hash=sha256:" in requirement for requirement in pinned)


def test_a_live_check_looks_at_the_feed_that_is_named() -> None:
    url = "https://town.example/gbfs.json?language=en&key=${KEY}"
    asked = make("-n", "live-check", f"URL={url.replace('$', '$$')}", "MINUTES=5").stdout
    assert f"opentrips look '{url}' 'look.yaml' --minutes 5\n" in asked
    asked = make("-n", "live-check", f"URL={url}", "FILE=deployments/regions/town.yaml").stdout
    assert asked.rstrip().endswith("'deployments/regions/town.yaml'")


def test_the_live_check_of_the_readme_is_one() -> None:
    (said,) = re.findall(r"^make live-check (.+)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    asked = make("-n", "live-check", *said.split()).stdout
    url, file = (argument.split("=", 1)[1] for argument in said.split())
    assert asked.rstrip().endswith(f"opentrips look '{url}' '{file}'")


def test_a_live_check_without_an_address_gets_one_line(clone: Path) -> None:
    for name in ("locked", "installed"):
        (clone / ".venv").mkdir(exist_ok=True)
        (clone / ".venv" / name).touch()
    run = make("live-check", cwd=clone)
    assert run.returncode != 0
    assert run.stdout.count("\n") == 1
    assert run.stdout.startswith("URL is missing; give the address of a feed: make live-check URL=")
