"""Rule 9: no figure made of real rows decides what is published, or appears in it.

Flows and steps are followed through every import, those inside functions too.
"""

import ast
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[3]
PRIVATE = "tasks.quality"
JUDGING = ("tune", "assess", "cli")
"""Flows that may: the search, which looks at simulated and at published days only, the report for
staff, which decides nothing, and the command line, which has a command for either."""
SEARCH_STEPS = ("propose", "try_out", "conclude")
"""The search's own steps; nothing else may import them, or they would be a way there."""
JUDGING_STEPS = (*SEARCH_STEPS, "assess")


def files_of(name: str, root: Path) -> list[Path]:
    """The file of a module, and the packages that importing it runs."""
    parts = name.split(".")
    packages = [root.joinpath(*parts[:end], "__init__.py") for end in range(1, len(parts) + 1)]
    candidates = [*packages, root.joinpath(*parts).with_suffix(".py")]
    return [path for path in candidates if path.is_file()]


def imported(path: Path) -> set[str]:
    """Every name that a file may import, whether it turns out a module or something in one."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def way_to(private: str, starts: Iterable[Path], root: Path) -> list[Path]:
    """A chain of files, each of which imports the next, that leads to a package; else nothing."""
    ways = {path: [path] for path in starts}
    waiting = list(ways)
    while waiting:
        path = waiting.pop()
        for name in imported(path):
            if name == private or name.startswith(f"{private}."):
                return ways[path]
            for following in files_of(name, root):
                if following not in ways:
                    ways[following] = [*ways[path], following]
                    waiting.append(following)
    return []


def test_rule_9_nothing_that_releases_a_day_reaches_private_quality() -> None:
    flows = [path for path in sorted((ROOT / "flows").glob("*.py")) if path.stem not in JUDGING]
    steps = [path for path in sorted(ROOT.glob("tasks/*.py")) if path.stem not in JUDGING_STEPS]
    engines = [
        path
        for path in sorted((ROOT / "tasks").glob("*/*.py"))
        if path.parent.name not in ("quality", "tuning")
    ]
    others = [*flows, *steps, *engines, *sorted((ROOT / "expectations").glob("*.py"))]
    assert {"collect", "train", "release", "backfill", "audit"} <= {path.stem for path in flows}
    assert way_to(PRIVATE, others, ROOT) == []
    assert way_to("tasks.tuning", others, ROOT) == []


def test_a_search_is_judged_by_quality_through_its_engine_alone() -> None:
    way = way_to(PRIVATE, [ROOT / "flows" / "tune.py"], ROOT)
    assert way[-1].parent.name == "tuning"
    assert {path.stem for path in way[1:-1] if path.parent.name == "tasks"} <= {*SEARCH_STEPS}


def test_rule_9_the_report_for_staff_is_a_way_that_ends_there() -> None:
    way = way_to(PRIVATE, [ROOT / "flows" / "assess.py"], ROOT)
    assert [path.stem for path in way] == ["assess", "assess"]
    importing = [
        path
        for room in ("flows", "tasks", "expectations")
        for path in sorted((ROOT / room).rglob("*.py"))
        if {"tasks.assess", "flows.assess"} & imported(path)
    ]
    assert [path.relative_to(ROOT).as_posix() for path in importing] == [
        "flows/assess.py",
        "flows/cli.py",
    ]


def test_rule_9_a_hidden_way_is_found(tmp_path: Path) -> None:
    sources = {
        "flows/release.py": "from tasks import publish\n",
        "tasks/__init__.py": "",
        "tasks/publish.py": "def publish():\n    import tasks.release.page\n",
        "tasks/release/__init__.py": "from tasks.release import figures\n",
        "tasks/release/page.py": "",
        "tasks/release/figures.py": "def best():\n    from tasks import quality\n",
        "tasks/quality/__init__.py": "",
    }
    for name, text in sources.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    way = way_to(PRIVATE, [tmp_path / "flows" / "release.py"], tmp_path)
    names = ["flows/release.py", "tasks/publish.py", "tasks/release/__init__.py"]
    assert way == [tmp_path / name for name in [*names, "tasks/release/figures.py"]]
    (tmp_path / "tasks/release/figures.py").write_text("import tasks.release.page\n")
    assert way_to(PRIVATE, [tmp_path / "flows" / "release.py"], tmp_path) == []


def test_rule_9_the_package_says_so() -> None:
    import tasks.quality

    assert "rule 9" in (tasks.quality.__doc__ or "")
