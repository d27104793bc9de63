import datetime as dt
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from prefect.logging import disable_run_logger

from flows.cli import main
from tasks import exchange
from tasks.archive.errors import ArchiveError
from tasks.archive.publishing import publish_archive
from tasks.catalogue import archives
from tasks.files import Layout, read_manifest, sha256_of, verify_files
from tasks.files.store import Store
from tasks.publish import publish
from tasks.release.revisions import offered, published
from tasks.release.withdrawal import Withdrawal, noticed, without_notice
from tasks.verify import verify
from tasks.withdraw import withdraw
from tests.tasks.archive.forging import reseal
from tests.tasks.archive.published import NEXT, region_of_trips
from tests.tasks.derived_day import DAY

AT = dt.datetime(2026, 6, 2, 12, 30, tzinfo=dt.UTC)
REASON = "The feed <showed> another city."


def here(layout: Layout) -> Store:
    return Store.at(layout.all_releases.as_uri())


def note_of(release: Path) -> dict[str, Any]:
    return dict(json.loads((release / "withdrawal.json").read_bytes()))


def test_a_withdrawn_day_keeps_its_page_and_its_hashes_and_offers_no_data(trips: Layout) -> None:
    release = trips.releases("demo", DAY) / "r1"
    manifest = (release / "manifest.json").read_bytes()
    page = (release / "index.html").read_text("utf-8")
    (said,) = withdraw(region_of_trips(), DAY, f"  {REASON}\x1b\n", AT)
    assert said.startswith(f"Withdrawn: demo/{DAY}/r1 since 2026-06-02 12:30 UTC: {REASON}")
    assert said.endswith(f"go on from what was measured for it: {NEXT} r1.")
    names = {path.name for path in release.iterdir()}
    assert names == {"manifest.json", "withdrawal.json", "index.html", "README.md"}
    assert (release / "manifest.json").read_bytes() == manifest
    note = note_of(release)
    assert note["inherited_by"] == [{"service_day": str(NEXT), "revision": 1}]
    assert note["manifest_sha256"] == sha256_of(release / "manifest.json")
    shown = (release / "index.html").read_text("utf-8")
    notice, cut = shown[shown.index("<header>\n") :].split("\n")[1:3]
    assert "Withdrawn: The feed &lt;showed&gt; another city." in notice
    assert "the rows that they drew, were taken out" in cut
    without = re.sub(r"(?s)<script\b.*?</script>\n?", "", page)
    assert shown.replace(f"{notice}\n{cut}\n", "") == without
    card = (release / "README.md").read_text("utf-8")
    assert card.index("Withdrawn: The feed") < card.index("# Town")


def test_catalogue_view_and_index_follow(trips: Layout) -> None:
    publish_archive(here(trips), None)
    withdraw(region_of_trips(), DAY, REASON, AT)
    listed = {each["path"]: each for each in _catalogue(trips)["releases"]}
    assert listed[f"demo/{DAY}/r1"]["withdrawn"] == {"at": "2026-06-02T12:30:00Z", "reason": REASON}
    assert listed[f"demo/{NEXT}/r1"]["inherits_from_withdrawn"] == [f"demo/{DAY}/r1"]
    frame = pd.read_parquet(trips.all_releases / "trips.parquet")
    assert frame["day"].unique().tolist() == [str(NEXT)]
    (erratum,) = json.loads((trips.all_releases / "errata.json").read_bytes())["errata"]
    assert erratum["kind"] == "withdrawal"
    assert erratum["inherited_by"] == [f"demo/{NEXT}/r1"]
    page = (trips.all_releases / "index.html").read_text("utf-8")
    assert f'aria-label="{DAY}: withdrawn"' in page


def _catalogue(layout: Layout) -> dict[str, Any]:
    return dict(json.loads((layout.all_releases / "catalog.json").read_bytes()))


def test_a_withdrawn_release_is_verified_as_such(trips: Layout) -> None:
    withdraw(region_of_trips(), DAY, REASON, AT)
    release = trips.releases("demo", DAY) / "r1"
    report = verify(str(release))
    assert not report.has_faults, report.lines
    assert any("since 2026-06-02: The feed" in line for line in report.lines)
    assert not verify(str(trips.releases("demo", NEXT) / "r1")).has_faults
    card = release / "README.md"
    card.write_text(card.read_text("utf-8").replace("epsilon = 1,", "epsilon = 9,"))
    (release / "trips.parquet").write_bytes(b"back again")
    page = release / "index.html"
    page.write_text(page.read_text("utf-8").replace("Withdrawn: The feed", "Withdrawn: No feed"))
    faults = " ".join(line for line in verify(str(release)).lines if line.startswith("FAULT"))
    assert "index.html does not say why in front" in faults
    assert "index.html behind" not in faults
    assert "README.md behind its notice differs" in faults
    assert "trips.parquet is still offered" in faults


def test_a_withdrawal_that_was_cut_off_is_finished_by_the_next_one(trips: Layout) -> None:
    release = trips.releases("demo", DAY) / "r1"
    kept = shutil.copytree(release, trips.root / "kept")
    withdraw(region_of_trips(), DAY, REASON, AT)
    note = note_of(release)
    for path in kept.iterdir():
        if path.name not in ("manifest.json", "withdrawal.json"):
            shutil.copyfile(path, release / path.name)
    withdraw(region_of_trips(), DAY, "Another reason", AT + dt.timedelta(days=1))
    assert note_of(release) == note
    assert not (release / "trips.parquet").exists()
    assert (release / "index.html").read_text("utf-8").count("Withdrawn: ") == 1


def test_a_withdrawn_day_is_still_published_but_not_offered(
    trips: Layout, tasks_alone: None
) -> None:
    withdraw(region_of_trips(), DAY, REASON, AT)
    releases = trips.releases("demo", DAY)
    assert published(releases) == releases / "r1"
    assert offered(releases) is None
    done = publish(region_of_trips(), DAY)
    assert done["page"] == str(releases / "r1" / "index.html")
    assert sorted(path.name for path in releases.iterdir()) == ["r1"]


@pytest.mark.parametrize(
    ("day", "reason", "said"),
    [
        (DAY, " \n", "a withdrawal needs a reason"),
        (dt.date(2030, 1, 1), REASON, "demo 2030-01-01 is not published"),
    ],
)
def test_a_withdrawal_of_nothing_or_for_nothing_is_refused(
    day: dt.date, reason: str, said: str, trips: Layout
) -> None:
    with pytest.raises(ArchiveError, match=said):
        withdraw(region_of_trips(), day, reason)
    for each in (DAY, NEXT):
        release = trips.releases("demo", each) / "r1"
        verify_files(release, read_manifest(release) or {})


@pytest.mark.parametrize("kind", ["file", "s3"])
def test_what_is_withdrawn_in_the_public_store_is_withdrawn_on_every_machine(
    kind: str,
    trips: Layout,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    url = (tmp_path / "public").as_uri()
    if kind == "s3":
        url = f"s3://opentrips-public/{request.getfixturevalue('s3')}?profile=public"
    monkeypatch.setenv("OPENTRIPS_PUBLIC_STORE", url)
    region, machines = region_of_trips(), {"one": trips.root, "two": tmp_path / "two"}
    for day in (DAY, NEXT):
        exchange.keep(exchange.release, region, day)
    monkeypatch.setenv("OPENTRIPS_DATA", str(machines["two"]))
    exchange.fetch([exchange.release], region, DAY)
    assert (machines["two"] / "releases" / "demo" / str(DAY) / "r1" / "trips.parquet").exists()

    monkeypatch.setenv("OPENTRIPS_DATA", str(machines["one"]))
    withdraw(region, DAY, REASON, AT)
    store = archives()[1]
    assert store.url == url
    path = f"demo/{DAY}/r1"
    assert store.read(f"{path}/trips.parquet") is None
    assert (
        store.read(f"{path}/withdrawal.json")
        == (trips.all_releases / path / "withdrawal.json").read_bytes()
    )
    assert [name for name in store.listing() if name.startswith("trips.parquet/")] == [
        f"trips.parquet/region=demo/day={NEXT}/trips.parquet"
    ]

    monkeypatch.setenv("OPENTRIPS_DATA", str(machines["two"]))
    for name in ("two", "three"):  # one that has a copy, and one that never had
        monkeypatch.setenv("OPENTRIPS_DATA", str(tmp_path / name))
        exchange.fetch([exchange.release], region, DAY)
        release = tmp_path / name / "releases" / path
        assert {each.name for each in release.iterdir()} == {
            "manifest.json",
            "withdrawal.json",
            "index.html",
            "README.md",
        }
        assert not verify(str(release)).has_faults
        with disable_run_logger():
            exchange.keep(exchange.release, region, DAY)
    assert store.read(f"{path}/trips.parquet") is None


def test_the_command_says_what_was_done(
    trips: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "demo.yaml"
    file.write_text(json.dumps(region_of_trips().model_dump(mode="json")))
    arguments = ["withdraw", str(file), "--day", str(NEXT), "--reason", "Wrong."]
    assert main(arguments) == 0
    assert f"Withdrawn: demo/{NEXT}/r1 since" in capsys.readouterr().out
    assert main([*arguments[:3], "2030-01-01", *arguments[4:]]) == 1
    assert "is not published; there is nothing to withdraw" in capsys.readouterr().err


def test_a_page_that_carries_rows_loses_them_with_its_scripts(trips: Layout) -> None:
    release = trips.releases("demo", DAY) / "r1"
    page = release / "index.html"
    rows = '<script type="application/json">[52.4,\n10.5]</script>\n<script>draw()</script>\n'
    page.write_text(page.read_text("utf-8").replace("</main>\n", f"</main>\n{rows}"), "utf-8")
    reseal(release)
    withdraw(region_of_trips(), DAY, REASON, AT)
    shown = page.read_text("utf-8")
    assert "<script" not in shown
    assert "10.5]" not in shown
    assert shown.index("Withdrawn: The feed") < shown.index("<h1>")
    report = verify(str(release))
    assert not report.has_faults, report.lines
    assert any("the rows in index.html were taken out" in line for line in report.lines)


def test_a_notice_stands_behind_the_front_matter_of_a_card() -> None:
    note = Withdrawal(
        region="demo",
        service_day=DAY,
        revision=1,
        manifest_sha256="0" * 64,
        reason="Wrong",
        at=AT,
        inherited_by=(),
    )
    card = b"---\nlicense: x\n---\n\n# Town\n\nWords\n"
    shown = noticed("README.md", card, note)
    front, _, rest = shown.partition(b"**Withdrawn: Wrong.** The data files are no longer offered")
    assert front == b"---\nlicense: x\n---\n\n"
    assert rest.endswith(b"\n\n# Town\n\nWords\n")
    assert without_notice("README.md", shown) == card
