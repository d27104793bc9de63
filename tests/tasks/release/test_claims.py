import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tasks.files import Layout
from tasks.region import Region
from tasks.release import claims as claims_file
from tasks.release.bundle import documents, publish_first
from tasks.release.checks import CHECKS, CHECKS_PAGE
from tasks.release.claims import check_claims, first_claim, must_say, visible_text
from tasks.release.errors import ReleaseError
from tasks.release.listing import PAGE
from tasks.release.manifest import PublicManifest
from tasks.release.past import WITHIN_DAYS
from tests.tasks.release.conftest import DAY

MakeRegion = Callable[..., Region]
MakeRows = Callable[[Region, int], pa.Table]
MakeManifest = Callable[..., PublicManifest]


@pytest.mark.parametrize(
    "claim",
    [
        "an anonymous dataset",
        "trips were Anonymized first",
        "contains no personal data",
        "It is GDPR-compliant",
        "complies with the GDPR",
        "100 % private",
        "100% safe",
        "completely secure",
        "a risk-free copy",
        "shared without risk",
        "riders cannot be re-identified",
        "indistinguishable from real trips",
    ],
)
def test_a_claim_that_no_release_keeps_is_found(claim: str) -> None:
    assert first_claim(f"Before it. {claim}, after it") is not None


@pytest.mark.parametrize(
    "said",
    [
        "attacks by anonymeter",
        "at most delta = 1e-6",
        "99.9 % of the due polls were answered",
        "What is not protected",
        "raw data are private",
    ],
)
def test_what_a_release_does_say_is_no_claim(said: str) -> None:
    assert first_claim(said) is None


@pytest.mark.parametrize("kind", ["trip_net", "trip_field", "trip_ends", "vehicle_day"])
def test_card_and_page_of_every_kind_of_release_say_what_they_must(
    kind: str,
    request: pytest.FixtureRequest,
    region: Region,
    make_region: MakeRegion,
    make_rows: MakeRows,
    make_manifest: MakeManifest,
    tmp_path: Any,
) -> None:
    changes: dict[str, Any] = {}
    tables = {"trips": make_rows(region, 500)}
    if kind == "trip_ends":
        region = make_region(
            feeds=[{"id": "one", "url": "https://one.example/gbfs.json", "id_regime": "per_trip"}]
        )
        tables = request.getfixturevalue("ends_tables")
        changes["model"] = request.getfixturevalue("ends_model")
        changes["rows"] = {name: rows.num_rows for name, rows in tables.items()}
    elif kind == "vehicle_day":
        guarantee = {"unit": "vehicle_day", "adjacency": "add_remove", "max_trips_per_vehicle": 4}
        region = make_region(guarantee=guarantee)
        changes["model"] = request.getfixturevalue("vehicle_model")
    elif kind == "trip_field":
        changes["model"] = request.getfixturevalue("field_model")
    manifest = make_manifest(region, **changes)
    made = documents(manifest, tables, tmp_path)
    check_claims(made, manifest, PAGE)
    for name in ("README.md", PAGE):
        text = visible_text(name, made[name])
        for said in must_say(manifest):
            silent = text.replace(said, "").encode()
            with pytest.raises(ReleaseError, match=re.escape(f'{name}: does not say "{said}"')):
                check_claims({name: silent}, manifest, PAGE)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name", "Anonymised trips of a town"),
        ("publisher", "The 100% private company"),
        ("licence", "free, GDPR-compliant"),
    ],
)
def test_a_forbidden_claim_leaves_nothing_published(
    field: str,
    text: str,
    make_region: MakeRegion,
    make_rows: MakeRows,
    make_manifest: MakeManifest,
    tmp_path: Any,
) -> None:
    region = make_region(**{field: text})
    rows = {"trips": make_rows(region, 500)}
    with pytest.raises(ReleaseError, match=r'README\.md: says ".*", which no release promises'):
        publish_first(
            tmp_path / "town" / "2026-05-20",
            rows,
            lambda files: make_manifest(region, files=files),
        )
    assert list((tmp_path / "town").iterdir()) == []


def test_a_claim_in_the_page_of_the_checks_is_found_and_markup_hides_none(
    region: Region, make_manifest: MakeManifest
) -> None:
    page = b"<script>anonymous()</script><p class='anonymous'>no\n personal&#32;<b>data</b></p>"
    assert visible_text("checks.html", page) == "no personal data"
    with pytest.raises(ReleaseError, match=r'checks\.html: says "no personal data"'):
        check_claims({"checks.html": page}, make_manifest(region), PAGE)


def test_the_words_of_a_licence_are_not_ours(region: Region, make_manifest: MakeManifest) -> None:
    check_claims({"LICENSE": b"anonymous works"}, make_manifest(region), PAGE)


def test_the_readme_names_claims_that_stop_a_day_and_files_that_are_published() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    (passage,) = re.findall(r"^- \*\*Checks of a release\*\* .*?(?=^- )", readme, re.M | re.S)
    claims = re.findall(r'"(.*?)"', passage)
    assert len(claims) == 2
    assert all(first_claim(claim) for claim in claims)
    assert f"| `{CHECKS_PAGE}`, `{CHECKS}` | what was expected" in readme
    assert f"`{claims_file.__name__.replace('.', '/')}.py`" in passage
    folder = Layout(Path("data")).synthetic("<region>", DAY).as_posix()
    assert f"`{folder.replace(DAY.isoformat(), '<day>')}/`" in passage
    assert f"the {WITHIN_DAYS // 7} weeks before it".replace("4", "four") in " ".join(
        passage.split()
    )
