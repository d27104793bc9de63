from pathlib import Path

import pytest

from tasks.tables import Grammar, TableError, load_table

ROOT = Path(__file__).parents[3]


def test_the_shipped_schemas_are_valid() -> None:
    files = sorted((ROOT / "deployments" / "schemas").glob("*.yaml"))
    assert [path.stem for path in files] == ["incomes", "ratings", "trips"]
    for path in files:
        table = load_table(path)
        assert table.name == path.stem
        assert len(Grammar.of(table)) < 1000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("- a", "a table file is a mapping with the keys name, columns"),
        ("a: [", "not YAML"),
        ("name: it\n", "columns: Field required"),
        ("name: it\ncolumns: []\ncolour: red\n", "unknown key 'colour'"),
        ("name: it\ncolumns:\n- {kind: integer, name: a, minimum: 1}\n", "columns.0.integer.max"),
    ],
)
def test_every_mistake_gives_one_line(content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "table.yaml"
    path.write_text(content)
    with pytest.raises(TableError) as caught:
        load_table(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
