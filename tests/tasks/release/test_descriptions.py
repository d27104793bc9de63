"""What somebody wrote into a region's file stays text in every document of a release."""

import json
import re
from collections.abc import Callable, Iterator

import jsonschema
import pyarrow as pa
import pyarrow.csv
import pytest
import yaml
from frictionless import Package
from huggingface_hub import DatasetCard
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tasks.region import Region
from tasks.region.one_line import plain
from tasks.release.descriptions import descriptions
from tasks.release.manifest import PublicManifest
from tasks.release.metadata import metadata_of
from tasks.release.tables import inert, write_csv
from tests.tasks.release.formats.test_citation import SCHEMA

HOSTILE = (
    "<script>alert(1)</script>",
    "</title><img src=x onerror=alert(1)>",
    '=HYPERLINK("https://evil.example")',
    "\"quoted\", 'and', \\ back",
    "\u202eturned\u202c \u200f\u2067around",
    "line\n---\nlicense: mit\n# heading | cell",
    "\x07\x00bell \x85 \u2028 next",
    "{{ 7 * 7 }} {% raw %} ${x} `code` *bold* [a](b) ![c](d)",
    "- list: {a: b, c: [d]} # no comment",
    "\N{ARABIC LETTER ALEF}\N{HEBREW LETTER BET}",
)
LETTERS = st.characters(exclude_categories=["Cs"])


def hostile(longest: int) -> st.SearchStrategy[str]:
    """Anything that anybody could write, up to a length in characters."""
    pieces = st.lists(st.sampled_from(HOSTILE) | st.text(LETTERS, max_size=40), min_size=1)
    joined = st.builds(lambda parts, times: "".join(parts * times), pieces, st.integers(1, 60))
    return joined.map(lambda text: text[:longest]).filter(bool)


@given(name=hostile(200), licence=hostile(4096), credit=hostile(500), file=hostile(4096))
@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_text_of_a_region_stays_text(
    name: str,
    licence: str,
    credit: str,
    file: str,
    make_region: Callable[..., Region],
    make_manifest: Callable[..., PublicManifest],
) -> None:
    def made(name: str, licence: str, credit: str, file: str) -> PublicManifest:
        region = make_region(snap={"file": "roads.geojson"})
        ways = {"file": file, "sha256": "0123456789abcdef" * 4, "within_m": 80.5}
        made = make_manifest(region, generated={"ways": ways, "ends": {"all": 9, "moved": 7}})
        assert made.snapping is not None
        changes = {
            "region": made.region.model_copy(update={"name": name}),
            "licence": licence,
            "publisher": credit[:200],
            "snapping": made.snapping.model_copy(update={"credit": credit}),
        }
        return made.model_copy(update=changes)

    manifest = made(name, licence, credit, file)
    about, found = metadata_of(manifest), descriptions(manifest)
    assert about.area_name == (plain(name) or "town")

    for text in found.values():
        assert not re.search("[\u200e\u200f\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f]", text)
    machines = {name: text for name, text in found.items() if name.endswith(".json")}
    assert not any(set("<>&") & set(text) for text in machines.values())
    package, croissant = (json.loads(found[f"{n}.json"]) for n in ("datapackage", "croissant"))
    assert package["title"] == croissant["name"] == about.title
    assert not list(Package.metadata_validate(package))
    citation = yaml.safe_load(found["CITATION.cff"])
    jsonschema.validate(citation, SCHEMA)
    assert citation["title"] == about.title
    assert citation["authors"] == [{"name": about.creator}]
    entry = yaml.safe_load(found["dp_deployment.yaml"])
    assert text_of(entry["deployment"]["basic"]["name"]) == about.title

    card = DatasetCard(found["README.md"])
    assert card.data.get("pretty_name") == about.title
    expected = descriptions(made("Town", "CC0-1.0", "a credit", "a file"))
    assert elements(card.text) == elements(DatasetCard(expected["README.md"]).text)
    assert elements(found["CHANGELOG.md"]) == elements(expected["CHANGELOG.md"])
    title = next(line for line in card.text.splitlines() if line.startswith("# "))
    assert text_of(title) == f"{plain(name)}, Wednesday 20 May 2026".strip()
    assert found["LICENSE"].splitlines()[0] == about.title


MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def elements(text: str) -> list[str]:
    """What a reader of Markdown makes of a document, beside its text."""
    return [kind for kind, _ in tokens(text) if not kind.startswith("text")]


def text_of(text: str) -> str:
    return "".join(content for kind, content in tokens(text) if kind.startswith("text"))


def tokens(text: str) -> Iterator[tuple[str, str]]:
    for token in MARKDOWN.parse(text):
        yield from ((child.type, child.content) for child in token.children or [token])


@given(texts=st.lists(hostile(200), min_size=1, max_size=5))
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_cell_of_a_csv_is_a_formula(
    texts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    texts = [text.replace("\x00", "") for text in texts]
    table = pa.table({"area": texts, "latitude": [-1.5] * len(texts)})
    path = tmp_path_factory.mktemp("csv") / "rows.csv"
    write_csv(table, path)
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    convert = pyarrow.csv.ConvertOptions(column_types={"area": pa.string()})
    read = pyarrow.csv.read_csv(path, parse_options=parse, convert_options=convert)
    assert read["latitude"].to_pylist() == table["latitude"].to_pylist()
    for written, text in zip(read["area"].to_pylist(), texts, strict=True):
        assert not written.startswith(("=", "+", "-", "@", "\t", "\r"))
        assert written in (text, f"'{text}")
        assert (written != text) == text.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_nothing_but_text_is_changed() -> None:
    table = pa.table({"count": [-1, 2], "area": ["a-b", "north"]})
    assert inert(table).equals(table)
