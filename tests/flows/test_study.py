"""The comparison study as a user runs it: from the command line, killed and gone on with."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import requests
import yaml
from prefect.utilities.callables import parameter_schema

from flows.cli import main
from flows.study import study
from tasks.comparison import Study
from tasks.files import Layout, read_manifest, verify_files
from tests.flows.conftest import ROOT
from tests.tasks.study.conftest import NETWORK, PRIVATE, SMALL, write_rows


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "rows.csv")


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump({**SMALL, "repetition": None, **changes}), encoding="utf-8")
    return path


def records(data_root: Path) -> dict[str, int]:
    found = Layout(data_root).study("small").glob("runs/*/manifest.json")
    return {path.parent.name: path.stat().st_mtime_ns for path in found}


def test_a_study_is_made_once_charges_nothing_and_stays_private(
    rows: Path,
    tmp_path: Path,
    prefect_api: str,
    data_root: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["study", str(written(tmp_path)), "--data", str(rows)]
    assert main(command) == 0
    out = capsys.readouterr().out.splitlines()
    directory = Layout(data_root).study("small")
    assert out[-2:] == ["Not to be published:", str(directory / "index.html")]
    assert out[0].split() == ["figure", "C1", "C1,", "published", "C3"]
    manifest = read_manifest(directory)
    assert manifest is not None
    verify_files(directory, manifest)
    assert {path.relative_to(data_root).parts[0] for path in data_root.rglob("*")} == {"private"}
    assert not Layout(data_root).ledger.exists()
    assert pq.read_table(directory / "results.parquet").num_rows > 30
    shown = requests.get(f"{prefect_api}/artifacts/study-small/latest", timeout=30).json()
    assert shown["description"].startswith("Study small; not to be published.")
    assert [row["figure"] for row in json.loads(shown["data"])][:1] == [
        "Loss on training rows, nats a character"
    ]
    before = records(data_root)
    assert len(before) == 2
    # once more, with a configuration beside those that are finished
    more = [*SMALL["configurations"], {"name": "C2", "synthesizer": NETWORK}]
    assert main(["study", str(written(tmp_path, configurations=more)), "--data", str(rows)]) == 0
    after = records(data_root)
    assert len(after) == 3
    assert before.items() <= after.items()


@pytest.mark.parametrize(
    ("changes", "options", "said"),
    [
        ({"colour": 1}, [], "small.yaml: unknown key 'colour'; remove it or correct its spelling"),
        ({}, [], "study small: it names no rows; set data.path, or call it with --data FILE"),
        ({}, ["--data", "none.csv"], "none.csv: cannot read it: No such file or directory"),
        ({}, ["--data", "empty.csv"], "empty.csv: it has no rows"),
        ({}, ["--data", "bad.csv"], "bad.csv: line 2, column 'hour': not a whole number from 0"),
        ({"training_rows": 99}, ["--data", "rows.csv"], "the table has 120 rows and the study nee"),
        (
            {},
            ["--data", "rows.csv", "--canaries", "bad.csv"],
            "bad.csv: line 2, column 'hour': not a whole number from 0",
        ),
        (
            {
                "configurations": [
                    {**PRIVATE, "guarantee": {"epsilon": 1e-6, "delta": 1e-9}, "against": None}
                ]
            },
            ["--data", "rows.csv"],
            "no noise multiplier up to 100000 keeps epsilon 1e-06 at delta 1e-09",
        ),
        (
            {"configurations": [{**PRIVATE, "synthesizer": {**NETWORK, "batch": 60}}]},
            ["--data", "rows.csv"],
            "a batch of 60 rows of a table of 60",
        ),
    ],
)
def test_wrong_studies_give_one_line_before_anything_is_trained(
    changes: dict[str, Any],
    options: list[str],
    said: str,
    rows: Path,
    tmp_path: Path,
    prefect_api: str,
    data_root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.csv").write_text("")
    Path("bad.csv").write_text("east, 3, 4\nwest, 77, 4\n")
    assert main(["study", str(written(tmp_path, **changes)), *options]) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("opentrips: ")
    assert said in line
    assert not data_root.exists()


def test_the_form_of_the_deployment_is_readable() -> None:
    schema = parameter_schema(study.fn)
    assert schema.required == ["study"]
    definitions = schema.definitions
    assert {"Study", "Configuration", "CharLstm", "Repetition", "PublicTable"} <= set(definitions)
    form = definitions["Study"]["properties"]
    assert all(facts.get("description") for facts in form.values() if "$ref" not in facts)
    assert [{*kind} for kind in form["data"]["anyOf"]] == [{"$ref"}, {"$ref"}]


@pytest.mark.slow
def test_a_study_that_was_killed_goes_on_without_repeating_a_run(
    rows: Path, tmp_path: Path, data_root: Path
) -> None:
    asked = Study.model_validate({**SMALL, "data": {"kind": "file", "path": str(rows)}})
    process = started(asked, data_root)
    assert process.stdout is not None
    first = process.stdout.readline().decode().strip()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    before = records(data_root)
    assert first in before
    assert len(before) < 6
    again = started(asked, data_root)
    keys, _ = again.communicate(timeout=280)
    assert again.returncode == 0
    assert len(keys.split()) == 6
    after = records(data_root)
    assert len(after) == 6
    assert before.items() <= after.items()
    assert (Layout(data_root).study("small") / "manifest.json").exists()


def started(asked: Study, data_root: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.tasks.study.studying"]
    return subprocess.Popen(
        [*command, asked.model_dump_json(), str(data_root)], cwd=ROOT, stdout=subprocess.PIPE
    )
