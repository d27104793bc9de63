"""The privacy card for machines: privacy.json."""

from dataclasses import asdict
from typing import Any

from tasks.release import words
from tasks.release.audits import AUDITED, AUDITS, SETTINGS, TWIN
from tasks.release.manifest import GaussianCounts, PublicManifest
from tasks.release.words_of_privacy import budget_shares, count_epsilon, statements


def privacy(manifest: PublicManifest) -> dict[str, Any]:
    """The document of a release: the numbers of the promise, and the card's answers."""
    guarantee, mechanism = manifest.guarantee, manifest.mechanism
    name = manifest.synthesizer.name
    return {
        "schema_version": 1,
        "region": manifest.region.id,
        "service_day": manifest.service_day.isoformat(),
        "revision": manifest.revision,
        "unit": "ride" if manifest.is_of_ends else guarantee.unit,
        "max_trips_per_vehicle": guarantee.max_trips_per_vehicle,
        "adjacency": guarantee.adjacency,
        "epsilon": guarantee.epsilon,
        "delta": guarantee.delta,
        "of_a_person": [
            asdict(words.group_guarantee(guarantee.epsilon, guarantee.delta, units))
            for units in words.GROUP_SIZES
        ],
        "series": {
            "composition": "parallel",
            "epsilon": guarantee.epsilon,
            "delta": guarantee.delta,
        },
        "synthesizer": name,
        "mechanism": mechanism.model_dump(mode="json"),
        "budget": [asdict(table) for table in budget_shares(mechanism)]
        if isinstance(mechanism, GaussianCounts)
        else [],
        "count_epsilon": count_epsilon(manifest),
        "accountant": manifest.accountant.model_dump(mode="json"),
        "versions": {"opentrips": manifest.software.opentrips, **manifest.software.packages},
        "audits": {
            "audited": AUDITED,
            "on": TWIN,
            "settings": SETTINGS.get(name),
            "found": [asdict(audit) for audit in AUDITS.get(name, ())],
        },
        "statements": {each.name: each.text for each in statements(manifest)},
    }
