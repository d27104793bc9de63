"""The README cannot rot: commands, targets and settings in it are those of the code."""

import json
import re
import shlex
import subprocess
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from flows.cli import _parser, main
from tasks.archive.catalogue import CATALOGUE, ERRATA, LATEST
from tasks.archive.feed import FEED, SITEMAP
from tasks.archive.publishing import INDEX
from tasks.archive.view import table_folder
from tasks.comparison import Study, load_study
from tasks.region import Guarantee, Region, Snap
from tasks.release.tables import SCHEMAS
from tasks.schema import INTERVALS
from tasks.search import Search
from tasks.tables import Synthesis, load_synthesis, load_table, read_rows
from tests.notebooks.running import NOTEBOOK, SIZE, load
from tests.tasks.conftest import FeedServer
from tests.tasks.service_area.conftest import serve_feed

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")

OF_A_STUDY_ELSEWHERE = (
    "table.",
    "canaries.law.columns[].",
    "configurations[].synthesizer.",
    "repetition.synthesizer.",
)
"""Settings of a study that stand where those of tables and synthesizers do."""


def settings(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Name, default and description of every setting below a model."""
    for name, field in model.model_fields.items():
        kinds = models_within(field.annotation)
        if kinds:
            is_list = typing.get_origin(field.annotation) is tuple
            for kind in kinds:
                yield from settings(kind, f"{prefix}{name}{'[]' if is_list else ''}.")
            continue
        default = field.default
        if field.default_factory is not None:
            shown = "none"
        elif default is PydanticUndefined:
            shown = "required"
        else:
            shown = "none" if default is None else f"`{default}`"
        if typing.get_args(field.annotation) == (default,):  # what tells the kinds apart
            yield f"{prefix}{name}: {default}", "", str(field.description)
            continue
        yield f"{prefix}{name}", shown, str(field.description)


def models_within(annotation: Any) -> list[type[BaseModel]]:
    """The model, or the kinds of it that can be chosen from."""
    inner = typing.get_args(annotation)
    if typing.get_origin(annotation) is tuple and typing.get_origin(inner[0]) is Annotated:
        inner = typing.get_args(typing.get_args(inner[0])[0])  # a list of kinds told apart
    return [
        candidate
        for candidate in (annotation, *inner)
        if isinstance(candidate, type)
        and not isinstance(candidate, types.GenericAlias)
        and issubclass(candidate, BaseModel)
    ]


def settings_table(model: type[BaseModel], left_out: tuple[str, ...]) -> str:
    """The table of a model's settings, but for those whose names begin so."""
    rows = [
        f"| `{name}` | {default} | {text} |"
        for name, default, text in settings(model)
        if not name.startswith(left_out)
    ]
    rows = list(dict.fromkeys(rows))  # what kinds have in common stands there once
    return "\n".join(["| setting | default | meaning |", "|---|---|---|", *rows])


@pytest.mark.parametrize(
    ("model", "left_out"),
    [
        (Region, ()),
        (Search, ("synthesizer.",)),  # those of a synthesizer stand there once
        (Synthesis, ()),
        (Study, OF_A_STUDY_ELSEWHERE),
    ],
    ids=["region", "search", "synthesis", "study"],
)
def test_every_setting_is_documented(model: type[BaseModel], left_out: tuple[str, ...]) -> None:
    table = settings_table(model, left_out)
    assert table in README, f"put this table into the README:\n{table}"


def test_every_make_target_is_documented_and_every_documented_one_exists() -> None:
    targets = set(re.findall(r"^\.PHONY: (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z][a-z-]*)", README))
    assert named <= targets
    assert targets - {"help", "install", "clean"} <= named


def test_every_command_is_documented_with_its_options() -> None:
    help_text = subprocess.run(
        [sys.executable, "-m", "flows.cli", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    commands = set(re.findall(r"^    ([a-z]+)(?: |$)", help_text, re.MULTILINE))
    assert commands == set(re.findall(r"^\| `opentrips ([a-z]+)", README, re.MULTILINE))
    for command in commands:
        options = subprocess.run(
            [sys.executable, "-m", "flows.cli", command, "--help"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for option in set(re.findall(r"--[a-z][a-z-]*", options)) - {"--help"}:
            assert f"`{option}" in README, f"{command} {option}"


def test_every_environment_variable_is_documented() -> None:
    rooms = ("flows", "tasks", "expectations", "infra")
    sources = [path.read_text() for room in rooms for path in (ROOT / room).rglob("*.py")]
    named = set(re.findall(r"OPENTRIPS_[A-Z_]+", "".join(sources)))
    assert {"OPENTRIPS_DATA", "OPENTRIPS_LEDGER"} <= named
    assert named <= set(re.findall(r"`(OPENTRIPS_[A-Z_]+)`", README))


PROGRAMS = re.findall(r"`python -m tests\.(benchmarks|notebooks)\.(\w+)([^`]*)`", README)


@pytest.mark.parametrize(("room", "name", "words"), PROGRAMS)
def test_every_program_in_the_readme_exists_with_its_options(
    room: str, name: str, words: str
) -> None:
    source = (ROOT / "tests" / room / f"{name}.py").read_text(encoding="utf-8")
    for option in re.findall(r"--[a-z-]+", words):
        assert f'"{option}"' in source


@pytest.mark.parametrize("path", re.findall(r"^!\[.*\]\((.*)\)$", README, re.MULTILINE))
def test_every_picture_in_the_readme_exists(path: str) -> None:
    assert (ROOT / path).stat().st_size > 1_000


def test_the_notebook_of_the_readme_exists_and_its_small_size_is_known() -> None:
    (path,) = re.findall(r"\]\((.*\.ipynb)\)", README)
    assert ROOT / path == NOTEBOOK
    (setting,) = re.findall(r"`(OPENTRIPS_NOTEBOOK=\w+)`", README)
    name, _, size = setting.partition("=")
    assert name == SIZE
    assert f'os.environ.get("{name}") == "{size}"' in "".join(c.source for c in load().cells)


@pytest.mark.parametrize(
    "line",
    re.findall(r"^\.venv/bin/opentrips ((?:revise|withdraw|verify) .*)$", README, re.MULTILINE),
)
def test_every_command_of_the_archive_in_the_readme_is_understood(line: str) -> None:
    name, *_ = words = shlex.split(line)
    options = vars(_parser().parse_args(words))
    assert name == "verify" or options["reason"].endswith(".")


def test_every_file_of_the_archive_is_documented() -> None:
    table = README[README.index("## The archive") : README.index("**Revisions.**")]
    for name in (CATALOGUE, ERRATA, LATEST, FEED, SITEMAP, INDEX, *map(table_folder, SCHEMAS)):
        assert name in table


@pytest.mark.parametrize(
    "line", re.findall(r"^\.venv/bin/opentrips (study .*)$", README, re.MULTILINE)
)
def test_every_study_in_the_readme_is_shipped(line: str) -> None:
    options = _parser().parse_args(shlex.split(line))
    study = load_study(ROOT / options.study, options.data, options.canaries)
    assert study.name == options.study.stem
    assert study.data.kind == "simulated" or options.data.name == "trips.csv"


AREA_COMMANDS = re.findall(r"^\.venv/bin/opentrips (area .*)$", README, re.MULTILINE)


@pytest.mark.parametrize("command", [line for line in AREA_COMMANDS if "http" not in line])
def test_every_area_made_from_files_in_the_readme_can_be_made(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for index, name in enumerate(re.findall(r"(?<= )[a-z]+\.geojson", command)):
        low, high = 50.0 + index / 50, 50.2 - index / 30
        ring = [[low, low], [high, low], [high, high], [low, high], [low, low]]
        Path(name).write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    assert main(command.split()) == 0
    written = Path(command.split()[2])
    block = yaml.safe_load(capsys.readouterr().out)
    assert [area["file"] for area in block["service_area"]] == [written.name]
    assert json.loads(written.read_bytes())["features"][0]["properties"]["name"] == "districts"


@pytest.mark.parametrize("line", re.findall(r"^snap: .*$", README, re.MULTILINE))
def test_the_roads_of_a_region_in_the_readme_are_valid(line: str) -> None:
    assert Snap.model_validate(yaml.safe_load(line)["snap"]).credit


@pytest.mark.parametrize(
    "command", re.findall(r"^\.venv/bin/opentrips (docks .*)$", README, re.MULTILINE)
)
def test_every_file_of_docks_in_the_readme_can_be_made(
    command: str, data_root: Path, tmp_path: Path
) -> None:
    name, _, file = command.split()
    server = FeedServer()
    try:
        stations = {"data": {"stations": [{"lat": 41.9, "lon": -87.6}]}}
        url = serve_feed(server, {"station_information": stations})
        assert main([name, url, str(tmp_path / Path(file).name)]) == 0
    finally:
        server.stop()
    assert (tmp_path / Path(file).name).exists()


def test_a_feed_is_among_the_sources_of_areas_in_the_readme() -> None:
    assert any("/gbfs.json " in line for line in AREA_COMMANDS)


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", README, re.DOTALL))
def test_every_region_search_and_synthesis_in_the_readme_is_valid(block: str) -> None:
    document = yaml.safe_load(block)
    model = Search if "stages" in document else Synthesis if "table" in document else Region
    model.model_validate(document)


@pytest.mark.parametrize("line", re.findall(r"^guarantee: .*$", README, re.MULTILINE))
def test_every_guarantee_in_the_readme_is_valid(line: str) -> None:
    Guarantee.model_validate(yaml.safe_load(line)["guarantee"])


def test_every_shipped_file_is_valid() -> None:
    files = sorted((ROOT / "deployments").glob("*/*.yaml"))
    assert files
    for path in files:
        document = yaml.safe_load(path.read_text())
        if path.parent.name == "searches":
            assert Search.model_validate(document).name == path.stem
        elif path.parent.name == "studies":
            assert load_study(path).name == path.stem
        elif path.parent.name == "schemas":
            assert load_table(path).name == path.stem
        elif path.parent.name == "syntheses":
            assert load_synthesis(path).name == path.stem
        else:
            assert Region.model_validate(document).id == path.stem


def test_the_example_of_a_table_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data_root: Path
) -> None:
    (code,) = re.findall(r"(?ms)^```python\n([^`]*ratings\.csv[^`]*)^```", README)
    (line,) = re.findall(r"(?m)^\.venv/bin/opentrips (synthesize .*)$", README)
    options = vars(_parser().parse_args(shlex.split(line)))
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    synthesis = load_synthesis(ROOT / options["synthesis"])
    assert read_rows(tmp_path / options["data"], synthesis.table).num_rows == 5_000


def test_the_example_that_reads_intervals_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = re.findall(r"(?ms)^```python\n(.*?)^```", README)
    (code,) = [block for block in blocks if "intervals.parquet" in block]
    columns: dict[str, Any] = {
        column.name: [0.05 * row for row in range(40)]
        for column in INTERVALS.columns
        if pa.types.is_floating(column.type)
    }
    columns |= {"grid_degrees": [0.01, 0.05] * 20, "counted": ["flows"] * 36 + ["hours"] * 4}
    columns |= {"area": ["town"] * 40, "hour": [3] * 40, "rows": list(range(40))}
    pq.write_table(pa.table(columns, schema=INTERVALS.arrow()), tmp_path / "intervals.parquet")
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    shown = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert [row[-3] for row in shown] == [str(number) for number in range(34, 14, -2)]
    assert all(float(row[-2]) == float(row[-1]) for row in shown)
