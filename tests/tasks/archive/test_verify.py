import hashlib
import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flows.cli import main
from tasks.archive.errors import ArchiveError
from tasks.archive.publishing import publish_archive
from tasks.files import FileError, Layout
from tasks.files.store import Store
from tasks.verify import verify
from tests.tasks.archive.forging import (
    Forge,
    column_set,
    csv_of_other_rows,
    manifest_of,
    reseal,
    rewritten,
    with_counts,
    with_fields,
    with_rows,
)
from tests.tasks.archive.published import NEXT
from tests.tasks.derived_day import DAY
from tests.tasks.derived_ends import ENDINGS, STARTS

ROOT = Path(__file__).parents[3]


def release_of(layout: Layout, day: Any = NEXT) -> Path:
    return layout.releases("demo", day) / "r1"


def lines_with(verdict: str, where: str | Path) -> list[str]:
    return [line for line in verify(str(where)).lines if line.startswith(verdict)]


def test_a_good_release_of_trips_has_no_fault(trips: Layout) -> None:
    publish_archive(Store.at(trips.all_releases.as_uri()), None)
    release = release_of(trips)
    report = verify(str(release))
    assert not report.has_faults
    assert report.lines[-1] == f"{release}: no fault"
    found = {finding.subject: finding for finding in report.findings}
    assert {name for name, each in found.items() if each.verdict == "open"} == {"beyond"}
    assert "720 rows" in found["trips"].said
    assert "costs epsilon 0.99" in found["epsilon"].said
    assert f"release of {DAY}" in found["parent"].said
    assert found["index.html"].said == found["README.md"].said == "says what manifest and rows say"
    assert "names this very manifest" in found["catalogue"].said


def test_a_good_release_of_ends_has_no_fault(ends: Layout) -> None:
    found = {each.subject: each for each in verify(str(release_of(ends, DAY))).findings}
    assert {name for name, each in found.items() if each.verdict != "ok"} == {"catalogue", "beyond"}
    assert f"{STARTS} rows" in found["starts"].said
    assert f"{ENDINGS} rows" in found["ends"].said
    assert "modelled_trips" in found


def test_a_good_release_of_a_network_has_no_fault(net: Layout) -> None:
    report = verify(str(release_of(net, DAY)))
    assert not report.has_faults, report.lines
    found = {finding.subject: finding for finding in report.findings}
    assert {name for name, each in found.items() if each.verdict != "ok"} == {"catalogue", "beyond"}
    assert "700 rows" in found["trips"].said
    stated = manifest_of(release_of(net, DAY))["accountant"]["epsilon_pld"]
    assert f"costs epsilon {stated:.6g} by PLD" in found["epsilon"].said
    assert "link" in found


def of_page(text: str) -> str:
    return text.replace("one trip</dt><dd>1</dd>", "one trip</dt><dd>0.1</dd>")


def of_licence(text: str) -> str:
    return re.sub(r'(>LICENSE</a>.*?class="hash">).{64}', rf"\g<1>{'0' * 64}", text)


def charge_of_another(document: dict[str, Any]) -> None:
    document["history"]["parent"] = "0" * 64


def epsilon_halved(document: dict[str, Any]) -> None:
    document["accountant"]["epsilon_pld"] /= 2
    document["guarantee"]["epsilon"] /= 2


def noise_doubled(document: dict[str, Any]) -> None:
    document["mechanism"]["noise_multiplier"] *= 2


def sigma_halved(document: dict[str, Any]) -> None:
    table = document["mechanism"]["tables"][0]
    numerator, _, denominator = table["sigma"].partition("/")
    table["sigma"] = f"{numerator}/{2 * int(denominator or 1)}"


def touched_once(document: dict[str, Any]) -> None:
    for table in document["mechanism"]["tables"]:
        table["distinct"] = 1


def of_the_day_before(release: Path) -> None:
    shutil.copyfile(
        release.parents[1] / str(DAY) / "r1" / "manifest.json", release / "manifest.json"
    )


def parent_changed(release: Path) -> None:
    before = release.parents[1] / str(DAY) / "r1"
    document = manifest_of(before)
    document["history"]["link"] = "0" * 64
    reseal(before, history=document["history"])


def byte_changed(release: Path) -> None:
    path = release / "trips.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def sums_wrong(release: Path) -> None:
    names = sorted(manifest_of(release)["files"])
    lines = [f"{hashlib.sha256((release / n).read_bytes()).hexdigest()}  {n}" for n in names]
    (release / "SHA256SUMS").write_text("\n".join([*lines[:-1], f"{'0' * 64}  {names[-1]}"]))


def other_sampler(release: Path) -> None:
    with (release / "sampler.pyz").open("ab") as file:
        file.write(b"#")
    reseal(release)


def first_twice(counts: pa.Table) -> pa.Table:
    return pa.concat_tables([counts.slice(0, 1), counts])


def first_for_second(counts: pa.Table) -> pa.Table:
    return pa.concat_tables([counts.slice(0, 1), counts.slice(0, 1), counts.slice(2)])


def shuffled(rows: pa.Table) -> pa.Table:
    return pa.concat_tables([rows.slice(1), rows.slice(0, 1)])


TAMPERED: dict[str, tuple[Forge, str]] = {
    "a byte is changed": (byte_changed, "trips.parquet differs from its SHA-256"),
    "a file is missing": (lambda r: (r / "field.npz").unlink(), "field.npz is missing"),
    "a file is too many": (lambda r: (r / "raw.csv").touch(), "raw.csv is not named"),
    "the manifest is of another day": (of_the_day_before, f"the manifest is of demo/{DAY}/r1"),
    "a row is removed": (with_rows(lambda rows: rows.slice(1)), "719 rows instead of 720"),
    "rows are in another order": (with_rows(shuffled), "not in order"),
    "a row is outside the area": (
        with_rows(lambda rows: column_set(rows, "origin_latitude", 0, 52.2)),
        "1 row not within the area",
    ),
    "a distance is wrong": (
        with_rows(lambda rows: column_set(rows, "distance_m", 5, 4321.0)),
        "distance_m is not that between the ends in 1 row",
    ),
    "an hour is none": (
        with_rows(lambda rows: column_set(rows, "hour", 719, 24)),
        "hour is not 0 to 23 in 1 row",
    ),
    "a column is renamed": (
        with_rows(lambda rows: rows.rename_columns([*rows.column_names[:-1], "metres"])),
        "does not have the columns of its schema",
    ),
    "the CSV has other rows": (csv_of_other_rows, "does not have the rows of the Parquet file"),
    "epsilon is edited": (with_fields(epsilon_halved), "costs epsilon 0.99"),
    "the noise is edited": (with_fields(noise_doubled), "less than the 8.4"),
    "the noise of a table is edited": (with_fields(sigma_halved), "state other noise than"),
    "the sensitivity is edited": (with_fields(touched_once), "touched by a trip"),
    "a count is there twice": (with_counts(first_twice), "24,279 counts instead of 24,278"),
    "a count stands for another": (with_counts(first_for_second), "are not those of the density"),
    "a count has no such noise": (
        with_counts(lambda counts: column_set(counts, "count", 7, 12.3456)),
        "1 counts are none that this noise gives",
    ),
    "the parent's link is edited": (with_fields(charge_of_another), "not that of its facts"),
    "the parent is another": (parent_changed, f"the release of {DAY} is not the link before it"),
    "the page's epsilon is edited": (rewritten(of_page, "index.html"), "<dd>0.1</dd>"),
    "the page's hash of the licence is edited": (rewritten(of_licence, "index.html"), "0000"),
    "the card's day is edited": (
        rewritten(lambda text: text.replace(str(NEXT), str(DAY)), "README.md"),
        "README.md",
    ),
    "the sums are edited": (sums_wrong, "SHA256SUMS is wrong on trips.parquet"),
    "the sampler is another": (other_sampler, "sampler.pyz is not the one of"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_what_was_tampered_with_is_named(case: str, trips: Layout) -> None:
    forge, said = TAMPERED[case]
    forge(release_of(trips))
    faults = lines_with("FAULT", release_of(trips))
    assert any(said in line for line in faults), faults
    assert len(faults) == len(set(faults))


def steps_added(document: dict[str, Any]) -> None:
    document["mechanism"]["steps"] *= 2


def clip_halved(document: dict[str, Any]) -> None:
    document["mechanism"]["l2_norm_clip"] /= 2


TAMPERED_NET: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "epsilon is edited": (epsilon_halved, "by PLD the mechanism costs epsilon"),
    "steps are edited": (steps_added, "that is more than the epsilon 1 that is promised"),
    "the noise is edited": (noise_doubled, "by PLD the mechanism costs epsilon"),
    "the clip is edited": (clip_halved, "instead of"),
}


@pytest.mark.parametrize("case", TAMPERED_NET)
def test_what_was_edited_in_a_release_of_a_network_is_named(case: str, net: Layout) -> None:
    edit, said = TAMPERED_NET[case]
    with_fields(edit)(release_of(net, DAY))
    faults = lines_with("FAULT", release_of(net, DAY))
    assert any(said in line for line in faults), faults


def test_rows_forged_by_hand_in_a_release_of_ends_are_found(ends: Layout) -> None:
    release = release_of(ends, DAY)
    with_rows(lambda rows: column_set(rows, "longitude", 3, 11.0), "starts")(release)
    assert any("starts" in line and "1 row not" in line for line in lines_with("FAULT", release))


def test_the_catalogue_notices_a_manifest_that_was_changed_with_all_its_hashes(
    trips: Layout,
) -> None:
    publish_archive(Store.at(trips.all_releases.as_uri()), None)
    reseal(release_of(trips), licence="CC0-1.0")
    faults = lines_with("FAULT", release_of(trips))
    assert any("names another manifest: this one was changed" in line for line in faults)


def test_a_release_of_another_version_is_compared_by_what_it_says(trips: Layout) -> None:
    release = release_of(trips)
    software = manifest_of(release)["software"] | {"opentrips": "0.0.9"}
    reseal(release, software=software)
    report = verify(str(release))
    assert not report.has_faults
    assert any("opentrips 0.0.9, not" in line for line in report.lines)
    rewritten(lambda text: text.replace("epsilon = 1,", "epsilon = 0.1,"), "README.md")(release)
    (fault,) = lines_with("FAULT", release)
    assert "README.md" in fault
    assert "says epsilon 0.1, 1, the manifest 1" in fault


@pytest.fixture
def served(trips: Layout) -> Iterator[tuple[Layout, str]]:
    """The releases, and the address at which they are served."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Be quiet."""

    handler = partial(Quiet, directory=str(trips.all_releases))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield trips, f"http://127.0.0.1:{server.server_address[1]}/demo/{NEXT}/r1"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("ending", ["", "/", "/index.html", "/manifest.json"])
def test_a_release_is_verified_where_it_is_served(served: tuple[Layout, str], ending: str) -> None:
    layout, address = served
    publish_archive(Store.at(layout.all_releases.as_uri()), None)
    report = verify(address + ending)
    assert not report.has_faults, report.lines
    found = {finding.subject: finding.verdict for finding in report.findings}
    assert (found["parent"], found["catalogue"], found["extra"]) == ("ok", "ok", "open")


def test_over_http_too_a_fault_is_found(served: tuple[Layout, str]) -> None:
    layout, address = served
    byte_changed(release_of(layout))
    (release_of(layout) / "field.npz").unlink()
    faults = " ".join(lines_with("FAULT", address))
    assert "trips.parquet differs" in faults
    assert "field.npz is missing" in faults


def test_a_manifest_that_leads_elsewhere_is_not_followed(served: tuple[Layout, str]) -> None:
    layout, address = served
    path = release_of(layout) / "manifest.json"
    document = json.loads(path.read_bytes())
    document["files"]["../../secret"] = document["files"].pop("field.npz")
    path.write_text(json.dumps(document))
    for where in (address, str(release_of(layout))):
        with pytest.raises(ArchiveError, match="does not name files beside it"):
            verify(where)


def test_where_no_release_lies_that_is_said(tmp_path: Path, served: tuple[Layout, str]) -> None:
    _, address = served
    for where in (str(tmp_path), address.replace("r1", "r7")):
        with pytest.raises(ArchiveError, match=r"no release there, for it has no manifest\.json"):
            verify(where)
    with pytest.raises(ArchiveError, match="cannot be fetched"):
        verify("http://127.0.0.1:9/demo/2026-05-20/r1")
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(FileError, match="not a JSON object"):
        verify(str(tmp_path))


def test_the_command_prints_a_line_per_check_and_its_exit_status_tells(
    trips: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    release = str(release_of(trips))
    assert main(["verify", release]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == f"{release}: no fault"
    assert all(line.startswith(("ok ", "? ")) for line in said[:-1])
    byte_changed(release_of(trips))
    assert main(["verify", release]) == 1
    assert "FAULT  files" in capsys.readouterr().out
    assert main(["verify", release + "/nowhere"]) == 1
    assert "no release there" in capsys.readouterr().err


def test_no_tensorflow_is_needed(trips: Layout) -> None:
    code = (
        "import sys\nfrom tasks.verify import verify\n"
        f"assert not verify({str(release_of(trips))!r}).has_faults\n"
        "print([name for name in ('tensorflow', 'great_expectations') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
