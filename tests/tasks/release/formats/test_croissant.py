"""What mlcroissant, the reference reader of Croissant, makes of a release."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonpath_ng
import jsonpath_ng.lexer
import pyarrow.parquet as pq
import pytest

# rdflib tells its users, of which mlcroissant is one
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")


@pytest.fixture(scope="module")
def mlcroissant() -> Iterator[ModuleType]:
    """The library, with the successor of a package that it imports and that has no wheel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "jsonpath_rw", jsonpath_ng)
        import mlcroissant

        yield mlcroissant


def test_a_release_is_valid_and_its_records_are_its_rows(
    release: Path, mlcroissant: ModuleType
) -> None:
    dataset = mlcroissant.Dataset(jsonld=str(release / "croissant.json"))
    issues = dataset.metadata.ctx.issues
    assert not issues.errors
    assert not issues.warnings
    names = {records.uuid for records in dataset.metadata.record_sets}
    assert {"measurements", "intervals"} < names
    for name in names:
        expected = pq.read_table(release / f"{name}.parquet").to_pylist()
        found = [
            {key.partition("/")[2]: text(value) for key, value in record.items()}
            for record in dataset.records(name)
        ]
        assert found == expected, name


def text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def test_the_context_holds_that_of_the_library(release: Path, mlcroissant: ModuleType) -> None:
    document = json.loads((release / "croissant.json").read_bytes())
    theirs = mlcroissant.Metadata(ctx=mlcroissant.Context(), name="made").to_json()["@context"]
    assert {name: document["@context"].get(name) for name in theirs} == theirs


def test_records_of_a_file_that_is_not_there_are_refused(
    release: Path, mlcroissant: ModuleType
) -> None:
    path = release / "croissant.json"
    document = json.loads(path.read_bytes())
    document["recordSet"][0]["field"][0]["source"]["fileObject"]["@id"] = "none.parquet"
    path.write_text(json.dumps(document))
    with pytest.raises(mlcroissant.ValidationError):
        mlcroissant.Dataset(jsonld=str(path))
