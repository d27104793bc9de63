import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import requests

from tasks.files import Layout
from tasks.ledger import account_of, check_ledger, open_ledger, show_account
from tasks.privacy.errors import LedgerError, NoLedgerError
from tasks.privacy.ledger import Lease, Ledger
from tasks.region import Region
from tests.tasks.conftest import region_of
from tests.tasks.privacy.conftest import requested

DAY = dt.date(2026, 5, 20)
MECHANISM = {"synthesizer": {"name": "trip_net"}, "records": 4711}


@pytest.fixture
def region() -> Region:
    return region_of("https://fleet.example/gbfs.json", source="fleet").model_copy(
        update={"id": "demo_town"}
    )


def trained(ledger: Ledger, region: str = "demo_town", **changes: Any) -> Lease:
    """A charge whose training is over."""
    lease = ledger.reserve(requested(region=region, mechanism=MECHANISM, **changes), "run-1")
    ledger.start_steps(lease, 300)
    ledger.finish(lease)
    return lease


def publish(layout: Layout, lease: Lease, region: str = "demo_town") -> None:
    release = layout.releases(region, DAY) / "r1"
    release.mkdir(parents=True)
    manifest = {
        "region": {"id": region},
        "service_day": DAY.isoformat(),
        "revision": 1,
        "mechanism": {"steps": 300},
        "charge": {"key": lease.charge_key, "sources": ["fleet"]},
    }
    (release / "manifest.json").write_text(json.dumps(manifest))


def test_the_ledger_lies_with_the_private_data(layout: Layout, region: Region) -> None:
    assert account_of(region) == []
    check_ledger(region)
    assert not layout.ledger.exists()  # looking makes nothing
    with open_ledger(layout, region) as ledger:
        publish(layout, trained(ledger))
    with open_ledger(layout, region) as ledger:
        assert [charge.state for charge in ledger.charges()] == ["trained"]
    check_ledger(region)


def test_the_ledger_lies_where_the_setting_says(
    layout: Layout, region: Region, postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENTRIPS_LEDGER", postgresql)
    assert account_of(region) == []
    with open_ledger(layout, region) as ledger:
        trained(ledger)
    assert [charge.region for charge in account_of(region)] == ["demo_town"]
    assert not layout.ledger.exists()


@pytest.mark.parametrize("is_remote", [False, True])
def test_rule_10_no_ledger_beside_releases_is_refused(
    is_remote: bool,
    layout: Layout,
    region: Region,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with open_ledger(layout, region) as ledger:
        publish(layout, trained(ledger))
    layout.ledger.unlink()
    if is_remote:
        monkeypatch.setenv("OPENTRIPS_LEDGER", request.getfixturevalue("postgresql"))
    for attempt in (lambda: open_ledger(layout, region), lambda: check_ledger(region)):
        with pytest.raises(NoLedgerError, match="restore its newest backup") as caught:
            attempt()
        assert "\n" not in str(caught.value)
    assert not layout.ledger.exists()
    assert account_of(region) == []


@pytest.mark.parametrize("published_as", ["demo_town", "other-region-of-the-fleet"])
def test_rule_10_a_ledger_restored_from_an_old_backup_is_refused(
    published_as: str, layout: Layout, region: Region
) -> None:
    open_ledger(layout, region).close()
    backup = shutil.copy(layout.ledger, layout.root / "backup.sqlite")
    with open_ledger(layout, region) as ledger:
        publish(layout, trained(ledger, published_as), published_as)
    open_ledger(layout, region).close()
    shutil.copy(backup, layout.ledger)
    with pytest.raises(LedgerError, match="older than what is published"):
        open_ledger(layout, region)
    # not even after the forgotten day was charged once more
    with Ledger(layout.ledger) as ledger:
        trained(ledger, published_as)
    with pytest.raises(LedgerError, match=f"charge of release {published_as} {DAY} r1"):
        open_ledger(layout, region)


def test_rule_10_a_ledger_older_than_what_another_machine_published_is_refused(
    layout: Layout, region: Region, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its release lies in the public store alone; nothing of it is on this machine."""
    elsewhere = Layout(tmp_path / "other-machine")
    monkeypatch.setenv("OPENTRIPS_PUBLIC_STORE", elsewhere.all_releases.as_uri())
    with Ledger(tmp_path / "other.sqlite") as other:
        publish(elsewhere, trained(other))
    with pytest.raises(NoLedgerError, match="restore its newest backup"):
        open_ledger(layout, region)
    Ledger(layout.ledger).close()
    for attempt in (lambda: open_ledger(layout, region), lambda: check_ledger(region)):
        with pytest.raises(LedgerError, match=f"charge of release demo_town {DAY} r1"):
            attempt()
    assert not layout.all_releases.exists()


def test_another_region_of_other_sources_is_not_asked_for(layout: Layout, region: Region) -> None:
    release = layout.releases("elsewhere", DAY) / "r1"
    release.mkdir(parents=True)
    manifest = {"region": {"id": "elsewhere"}, "charge": {"key": "f" * 32, "sources": ["x"]}}
    (release / "manifest.json").write_text(json.dumps(manifest))
    open_ledger(layout, region).close()


def test_the_account_of_a_region_holds_what_others_charged_to_its_sources(
    layout: Layout, region: Region
) -> None:
    later = {"start": requested().end, "end": requested().end + dt.timedelta(days=1)}
    with Ledger(layout.ledger) as ledger:
        burned = ledger.reserve(requested(fingerprint="late", region="other", **later), "run-2")
        ledger.burn(burned)
        trained(ledger)
        ledger.reserve(requested(fingerprint="x", sources=("x",), region="elsewhere"), "run-3")
    found = account_of(region)
    assert [(charge.region, charge.state) for charge in found] == [
        ("demo_town", "trained"),
        ("other", "burned"),
    ]


def test_the_account_is_an_artifact(
    layout: Layout, region: Region, tasks_alone: None, prefect_api: str
) -> None:
    with Ledger(layout.ledger) as ledger:
        lease = trained(ledger)
    (row,) = show_account(region)
    assert row["mechanism"] == "trip_net"
    assert (row["epsilon"], row["delta"]) == ("1 of 1", "1e-06 of 1e-06")
    assert (row["steps"], row["runs"], row["last run"]) == ("300 of 330", "1", "run-1")
    assert row["charge"] == lease.charge_key
    artifact = requests.get(f"{prefect_api}/artifacts/ledger-demo-town/latest", timeout=30).json()
    assert json.loads(artifact["data"]) == [row]
    assert "4711" not in artifact["data"]
