"""Synthetic rows of a table as a user makes them: on the command line, and as a flow."""

import json
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import requests
import yaml
from prefect.utilities.callables import parameter_schema

from flows.cli import main
from flows.synthesize import synthesize
from tasks import OpentripsError
from tasks.files import Layout, read_manifest, verify_files
from tasks.files.lock import Lock
from tasks.privacy.ledger import Charge, Ledger
from tasks.simulated import INCOMES, incomes
from tasks.tables import Synthesis, TableError, load_synthesis, read_rows, to_csv
from tests.flows.conftest import ROOT

SMALL: dict[str, Any] = {
    "name": "small",
    "table": INCOMES.model_dump(mode="json"),
    "data": "people.csv",
    "rows": 40,
    "synthesizer": {
        "embedding": 4,
        "units": 8,
        "layers": 1,
        "batch": 20,
        "epochs": 2,
        "well_formed_only": True,
    },
    "guarantee": None,
}
GUARANTEE = {
    "epsilon": 0.5,
    "delta": 1e-5,
    "source": "people",
    "first": "2025-01-01",
    "last": "2025-12-31",
}

WriteSynthesis = Callable[..., Path]


@pytest.fixture
def write_synthesis(tmp_path: Path) -> WriteSynthesis:
    """Writes a synthesis' YAML file, the small one with some keys changed, and its data."""
    people = tmp_path / "people.csv"
    people.write_bytes(to_csv(incomes(60, seed=1), INCOMES))

    def write(**changes: Any) -> Path:
        path = tmp_path / "small.yaml"
        path.write_text(yaml.safe_dump({**SMALL, **changes}), encoding="utf-8")
        return path

    return write


def rows_of(data_root: Path) -> tuple[Path, dict[str, Any]]:
    """The folder of the synthetic rows, and its manifest."""
    directory = Layout(data_root).table_rows("small")
    manifest = read_manifest(directory)
    assert manifest is not None
    verify_files(directory, manifest)
    return directory, manifest


def charges(data_root: Path) -> list[Charge]:
    if not Layout(data_root).ledger.exists():
        return []
    with Ledger(Layout(data_root).ledger) as ledger:
        return ledger.charges()


def test_without_a_guarantee_everything_says_so(
    write_synthesis: WriteSynthesis,
    prefect_api: str,
    data_root: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["synthesize", str(write_synthesis())]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "40 synthetic rows, 100.0 % of the lines valid; not private: do not publish",
        str(data_root / "private" / "tables" / "small" / "rows"),
    ]
    directory, manifest = rows_of(data_root)
    assert manifest["privacy"] == "not private: do not publish"
    assert set(manifest["files"]) == {
        "README.md",
        "small.not-private.csv",
        "small.not-private.parquet",
    }
    assert "**not private: do not publish.**" in (directory / "README.md").read_text()
    stored = pq.read_schema(directory / "small.not-private.parquet")
    assert json.loads(stored.metadata[b"privacy"]) == "not private: do not publish"
    assert charges(data_root) == []
    rows = read_rows(directory / "small.not-private.csv", INCOMES)
    assert rows.equals(read_rows(directory / "small.not-private.parquet", INCOMES))
    assert rows.num_rows == 40
    shown = requests.get(f"{prefect_api}/artifacts/table-small/latest", timeout=30).json()
    assert shown["data"] == (directory / "README.md").read_text()


@pytest.mark.slow
def test_a_guarantee_is_charged_once_however_often_rows_are_drawn(
    write_synthesis: WriteSynthesis,
    prefect_api: str,
    data_root: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["synthesize", str(write_synthesis(guarantee=GUARANTEE))]) == 0
    assert "; epsilon 0.5 at delta 1e-05 for one row\n" in capsys.readouterr().out
    directory, first = rows_of(data_root)
    assert set(first["files"]) == {"README.md", "small.csv", "small.parquet"}
    (charge,) = charges(data_root)
    assert (charge.state, charge.epsilon, charge.sources) == ("trained", 0.5, ("people",))
    assert first["privacy"]["charge"]["key"] == charge.charge_key
    assert "fingerprint" not in json.dumps(first)

    assert main(["synthesize", str(write_synthesis(guarantee=GUARANTEE))]) == 0
    assert rows_of(data_root)[1] == first
    assert main(["synthesize", str(write_synthesis(guarantee=GUARANTEE, rows=7))]) == 0
    assert read_rows(directory / "small.csv", INCOMES).num_rows == 7
    assert charges(data_root) == [charge]

    capsys.readouterr()
    other = write_synthesis(guarantee=GUARANTEE, name="other")
    table = other.with_name("people.csv")
    table.write_bytes(to_csv(incomes(60, seed=2), INCOMES))
    assert main(["synthesize", str(other)]) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("opentrips: source people from 2025-01-01T00:00:00Z to 2026-01-01T")
    assert "would exceed the cap of epsilon 0.5" in line
    assert charges(data_root) == [charge]
    # nor is the model of the first rows taken for one of others
    assert main(["synthesize", str(write_synthesis(guarantee=GUARANTEE))]) == 1
    assert "the model of other data, settings, guarantee or code" in capsys.readouterr().err


def with_column(named: str, **changes: Any) -> dict[str, Any]:
    """The table with one of its columns changed."""
    columns = [
        {**column, **changes} if column["name"] == named else column
        for column in SMALL["table"]["columns"]
    ]
    return {**SMALL["table"], "columns": columns}


CODE = {"kind": "text", "name": "code", "alphabet": "AB", "max_length": 3}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"table": with_column("hours", name="pay")}, "people.csv: column 'pay' is not there; the"),
        ({"table": with_column("age", maximum=30)}, "column 'age': not a whole number from 17 to"),
        (
            {"table": {"name": "sexes", "columns": [{**CODE, "name": "sex"}]}},
            "people.csv: line 2, column 'sex': not 1 to 3 characters of 'AB'",
        ),
        ({"data": "absent.csv"}, "absent.csv: cannot read it: No such file or directory"),
        ({"data": "empty.csv"}, "empty.csv: it has no rows; name a file that has some"),
        (
            {"guarantee": {**GUARANTEE, "epsilon": 1e-6, "delta": 1e-9}},
            "no noise multiplier up to 100000 keeps epsilon 1e-06 at delta 1e-09",
        ),
        (
            {"guarantee": {**GUARANTEE, "delta": 9e-5}, "data": "many.csv"},
            "guarantee.delta 9e-05 is over 0.01 / 200 rows = 5e-05; lower it",
        ),
        ({"synthesizer": {"batch": 60}}, "a batch of 60 rows of a table of 60"),
    ],
)
def test_what_does_not_fit_gives_one_line_and_charges_nothing(
    changes: dict[str, Any],
    said: str,
    write_synthesis: WriteSynthesis,
    prefect_api: str,
    data_root: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = write_synthesis(**{"guarantee": GUARANTEE, **changes})
    path.with_name("empty.csv").write_text("age,sex,education,occupation,hours,income\n")
    path.with_name("many.csv").write_bytes(to_csv(incomes(200, seed=1), INCOMES))
    assert main(["synthesize", str(path)]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("opentrips: ")
    assert said in last
    with pytest.raises(OpentripsError) as caught:
        synthesize(load_synthesis(path))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert charges(data_root) == []
    assert read_manifest(Layout(data_root).table_model("small")) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"table": "absent.yaml"}, "absent.yaml: cannot read the table file: No such file"),
        ({"synthesizer": {"unit": 8}}, "unknown key 'synthesizer.unit'"),
        ({"guarantee": {**GUARANTEE, "source": ""}}, "guarantee.source: "),
        ({"guarantee": {"epsilon": 1.0}}, "guarantee.source: Field required"),
        ({"guarantee": {**GUARANTEE, "last": "2024-01-01"}}, "2025-01-01 is after last 2024-01-01"),
        ({"rows": 0}, "rows: Input should be greater than or equal to 1"),
    ],
)
def test_a_wrong_file_gives_one_line(
    changes: dict[str, Any],
    said: str,
    write_synthesis: WriteSynthesis,
    data_root: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["synthesize", str(write_synthesis(**changes))]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("opentrips: ")
    assert said in line
    assert not data_root.exists()


def test_a_guarantee_is_never_left_out_by_oversight(
    write_synthesis: WriteSynthesis, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_synthesis()
    document = yaml.safe_load(path.read_text())
    del document["guarantee"]
    path.write_text(yaml.safe_dump(document))
    assert main(["synthesize", str(path)]) == 1
    assert "guarantee: Field required" in capsys.readouterr().err


def test_data_may_be_named_on_the_command_line(
    write_synthesis: WriteSynthesis,
    prefect_api: str,
    data_root: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = write_synthesis(data="elsewhere.csv")
    assert main(["synthesize", str(path), "--data", str(path.with_name("absent.csv"))]) == 1
    assert "absent.csv: cannot read it" in capsys.readouterr().err


def test_of_two_processes_one_trains(
    write_synthesis: WriteSynthesis,
    prefect_api: str,
    data_root: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    directory = Layout(data_root).table_model("small")
    directory.mkdir(parents=True)
    with closing(Lock(directory, "training this table", TableError)):
        assert main(["synthesize", str(write_synthesis())]) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert f"process {os.getpid()} on host" in line
    assert line.endswith("is training this table; stop it or wait until it ends")
    assert read_manifest(directory) is None


def test_the_form_of_the_deployment_is_readable() -> None:
    shipped = load_synthesis(ROOT / "deployments" / "syntheses" / "ratings.yaml")
    assert Synthesis.model_validate(shipped.model_dump(mode="json")) == shipped
    definitions = parameter_schema(synthesize.fn).definitions
    form = definitions["Synthesis"]["properties"]
    assert all(facts.get("description") for facts in form.values() if "$ref" not in facts)
    columns = definitions["PublicTable"]["properties"]["columns"]
    assert len(columns["items"]["anyOf"]) == 5
    assert {"RowGuarantee", "CharLstm", "TextColumn"} <= set(definitions)
