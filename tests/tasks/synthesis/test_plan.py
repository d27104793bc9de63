"""Which code a charge depends on: all that may touch a private row, and not what comes after."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.privacy.fingerprint import code_version
from tasks.region import Guarantee, TripField
from tasks.synthesis.plan import AFTER_MEASURING, Plan, make_plan
from tests.tasks.synthesis.charged import BOX, ROWS, charge_in, never, train_in

ROOT = Path(__file__).parents[3]
BEFORE = ("measured", "records", "plan", "network_training")
"""Files of `tasks/synthesis` through which rows go until they are noised."""


def file_of(module: str) -> Path | None:
    stem = ROOT / module.replace(".", "/")
    found = (path for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.exists())
    return next(found, None)


@cache
def names_of(path: Path) -> list[tuple[str, str]]:
    """Each name that a file imports of ours, after the module that it is imported from."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not any(alias.name.startswith("tasks") for alias in node.names), path
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tasks"):
            found += [(node.module or "", alias.name) for alias in node.names]
    return found


@cache
def defining(module: str, name: str) -> Path:
    """The file that a name is from, whatever package passes it on."""
    if (inner := file_of(f"{module}.{name}")) is not None:
        return inner
    path = file_of(module)
    assert path is not None, module
    passed_on = [(other, each) for other, each in names_of(path) if each == name]
    is_package = path.name == "__init__.py" and passed_on
    return defining(*passed_on[0]) if is_package else path


def reached(roots: list[Path]) -> set[str]:
    seen: set[Path] = set()
    while roots:
        if (path := roots.pop()) not in seen:
            seen.add(path)
            roots += [defining(*each) for each in names_of(path)]
    return {path.relative_to(ROOT / "tasks").as_posix() for path in seen}


def test_rule_10_what_measures_never_calls_what_a_charge_does_not_depend_on() -> None:
    roots = [ROOT / f"tasks/synthesis/{name}.py" for name in BEFORE]
    roots += [
        path for room in ("privacy", "mobility") for path in (ROOT / f"tasks/{room}").glob("*")
    ]
    before = reached([path for path in roots if path.suffix == ".py"])
    assert {"synthesis/trip_field/tables.py", "synthesis/trip_ends/tables.py"} <= before
    assert "synthesis/dpsgd/step.py" in before
    assert not before & AFTER_MEASURING
    assert all((ROOT / "tasks" / name).exists() for name in AFTER_MEASURING)


def test_a_repair_of_the_fit_leaves_the_key_of_a_charge_and_one_of_the_noise_does_not(
    tmp_path: Path,
) -> None:
    root = tmp_path / "tasks"
    shutil.copytree(ROOT / "tasks", root, ignore=shutil.ignore_patterns("__pycache__"))

    def edited(name: str) -> bool:
        before = code_version(root, AFTER_MEASURING)
        (root / name).write_text((root / name).read_text() + "\n# repaired\n")
        return code_version(root, AFTER_MEASURING) != before

    assert code_version(root, AFTER_MEASURING) == code_version(without=AFTER_MEASURING)
    assert not any(edited(name) for name in sorted(AFTER_MEASURING))
    for name in ("measurements", "lattice", "tables", "budget", "settings"):
        assert edited(f"synthesis/trip_field/{name}.py")
    assert edited("privacy/weighted_counts.py")
    assert edited("mobility/trips.py")


CUT_OFF = """
import pathlib, sys
import pyarrow.parquet as pq
from tests.tasks.synthesis import charged, test_plan
here = pathlib.Path(sys.argv[1])
charged.train_in(here, test_plan.day_plan(), lambda: pq.read_table(here / "trips.parquet"))
"""


def day_plan() -> Plan:
    return make_plan(Guarantee(epsilon=1.0, delta=1e-6), (BOX,), TripField(steps=3), ROWS)


@pytest.mark.slow
def test_rule_6_a_night_goes_on_with_what_was_measured_after_the_fit_was_repaired(
    tmp_path: Path, make_trips: Callable[[int, int], pa.Table]
) -> None:
    pq.write_table(make_trips(ROWS, 1), tmp_path / "trips.parquet")
    for room in ("tasks", "tests"):
        shutil.copytree(ROOT / room, tmp_path / room)
    with (tmp_path / "tasks/synthesis/trip_field/fit.py").open("a") as broken:
        broken.write("\n\ndef fit(*_):\n    raise RuntimeError('a mistake in the fit')\n")
    run = subprocess.run(
        [sys.executable, "-c", CUT_OFF, str(tmp_path)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "a mistake in the fit" in run.stderr
    assert charge_in(tmp_path) == ("trained", 1)
    counts = (tmp_path / "model" / "measurements.npz").read_bytes()
    train_in(tmp_path, day_plan(), never)
    assert charge_in(tmp_path) == ("trained", 1)
    assert (tmp_path / "model" / "measurements.npz").read_bytes() == counts
