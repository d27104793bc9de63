import json
from pathlib import Path

from tasks.privacy.charge import PUBLIC
from tasks.privacy.ledger import Ledger
from tests.tasks.privacy.conftest import Place, requested

MECHANISM = {
    "synthesizer": {"name": "trip_net", "steps": 300},
    "guarantee": {"unit": "vehicle_day", "adjacency": "add_remove"},
    "mechanism": {"noise_multiplier": 7.5, "steps": 300},
    "count": {"sensitivity": 1, "scale": "20"},
    "event": "SelfComposedDpEvent(...)",
    "records": 4711,
    "trips": {"n": 4712},
}


def test_an_export_holds_nothing_private(place: Place) -> None:
    """Two neighbouring days, one trip apart, have the same export but for the random key."""
    said = []
    for records in (4711, 4710):
        with Ledger(place) as ledger:
            request = requested(
                mechanism={**MECHANISM, "records": records},
                fingerprint=f"hash-of-{records}-trips",
                sources=(f"fleet-{records}",),
            )
            ledger.start_steps(ledger.reserve(request, f"run-on-{records}"), 7)
            charge = ledger.charges()[-1]
        text = json.dumps(charge.public())
        said.append(text.replace(charge.charge_key, "key").replace(f"fleet-{records}", "fleet"))
        for private in (str(records), "4712", "hash-of", "run-on", charge.updated_at):
            assert private not in said[-1]
    assert said[0] == said[1]


def test_an_export_says_what_was_spent_on_what(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        lease = ledger.reserve(requested(mechanism=MECHANISM, cap_epsilon=2.0), "run")
        ledger.start_steps(lease, 7)
        (charge,) = ledger.charges()
    public = charge.public()
    assert set(public) == {*PUBLIC, "mechanism"}
    assert public == json.loads(json.dumps(public)) | {"sources": ("fleet",)}
    assert (public["epsilon"], public["delta"], public["cap_epsilon"]) == (1.0, 1e-6, 2.0)
    assert (public["state"], public["steps_started"], public["steps_allowed"]) == (
        "running",
        7,
        330,
    )
    assert set(MECHANISM) - set(public["mechanism"]) == {"records", "trips"}
    assert all(public["mechanism"][name] == MECHANISM[name] for name in public["mechanism"])
