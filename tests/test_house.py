"""The two rules that keep the code a house, and what imports may cost."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tasks.quality.test_stays_private import way_to

ROOT = Path(__file__).parents[1]
ENGINES = (
    "gbfs",
    "journal",
    "mobility",
    "service_area",
    "privacy",
    "synthesis",
    "audit",
    "quality",
    "release",
    "archive",
    "cities",
    "simulated",
    "tuning",
    "study",
)
GROUND = ("schema", "region", "files", "search", "tables", "comparison")
HEAVY = ("tensorflow", "great_expectations")


def floor(module: str) -> float:
    """The floor a module of ours lives on, as the design counts them."""
    parts = module.split(".")
    if parts[0] == "flows":
        return 3
    if parts[0] == "expectations":
        return 1
    if len(parts) == 1 or parts[1] in GROUND:
        return 0
    return 1 if parts[1] in ENGINES else 2


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
    return found


def sources(*rooms: str) -> list[Path]:
    return [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]


@pytest.mark.parametrize("path", sources("flows", "tasks", "expectations"), ids=module_of)
def test_no_arrow_runs_upward(path: Path) -> None:
    own = floor(module_of(path))
    for name in imports(path):
        assert not name.startswith(("tests", "infra")), f"imports {name}"
        if name.split(".")[0] in ("flows", "tasks", "expectations"):
            assert floor(name) <= own, f"{module_of(path)} imports {name}"


@pytest.mark.parametrize("path", sources(*(f"tasks/{name}" for name in ENGINES)), ids=module_of)
def test_an_engine_knows_nothing_of_orchestration(path: Path) -> None:
    for name in imports(path):
        assert name.split(".")[0] not in ("prefect", "great_expectations", "flows"), name


def test_flows_import_tasks_and_ground_floor_only() -> None:
    for path in sources("flows"):
        for name in imports(path):
            if name.startswith("tasks."):
                assert floor(name) in (0, 2), f"{module_of(path)} imports {name}"


def test_the_tree_holds_the_named_rooms_and_nothing_else() -> None:
    listing = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    top = {line.split("/")[0] for line in listing.stdout.splitlines()}
    rooms = {"flows", "tasks", "expectations", "deployments", "tests", "infra"}
    files = {"pyproject.toml", "README.md", "Makefile", "LICENSE", "requirements.txt"}
    assert {name for name in top if not name.startswith(".")} <= rooms | files


def test_importing_what_is_above_synthesis_and_expectations_loads_no_heavy_library() -> None:
    modules = [module_of(path) for path in sources("flows", "tasks")]
    modules = [name for name in modules if not name.startswith("tasks.synthesis.")]
    code = (
        f"import sys, importlib\nfor m in {modules!r}: importlib.import_module(m)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_nothing_but_the_study_itself_reaches_the_study() -> None:
    """Its filters look at real rows (rule 8), and what it finds is never published."""
    steps = [ROOT / "tasks" / f"{name}.py" for name in ("plan", "compare", "sum_up")]
    own = {*sources("tasks/study"), *steps, ROOT / "flows" / "study.py", ROOT / "flows" / "cli.py"}
    others = [path for path in sources("flows", "tasks", "expectations") if path not in own]
    release_path = {"collect", "train", "release", "backfill", "revise", "publish", "check"}
    assert release_path <= {path.stem for path in others}
    assert way_to("tasks.study", others, ROOT) == []
    for step in steps:
        assert way_to("tasks.study", [step], ROOT) == [step]
