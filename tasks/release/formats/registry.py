"""The entry of the release for the Differential Privacy Deployments Registry, in its own format.

Its schema is `schemas/deployments-schema.yaml` of github.com/opendp/deployments-registry-data, of
July 2026; the registry shows text as Markdown. An entry is a draft: who publishes hands it in, for
one release or, with the day left out, for the archive.
"""

from typing import Any

from tasks.release.manifest import GaussianCounts, PublicManifest
from tasks.release.metadata import metadata_of
from tasks.release.text import markdown
from tasks.release.words_of_privacy import statements


def registry_entry(manifest: PublicManifest) -> dict[str, Any]:
    """The entry of a release, to be written as YAML."""
    about = metadata_of(manifest)
    said = {each.name: markdown(each.text) for each in statements(manifest)}
    guarantee = manifest.guarantee
    return {
        "url_slug": f"opentrips-{about.name}",
        "status": "Draft",
        "tier": 3,
        "deployment": {
            "basic": {
                "name": markdown(about.title),
                "data_curators": [markdown(about.creator)],
                "description": markdown(about.description),
                "intended_use": "Planning and research of where and when shared vehicles are used.",
                "data_product_type": "Synthetic data",
                "data_product_region": markdown(about.area_name),
                "publication_date": about.published.isoformat(),
            },
            "dp_variant": {
                "variant_name": "Approximate DP",
                "data_domain": "Sets of trips of shared vehicles in the service area on one "
                "service day, inferred from public GBFS feeds.",
                "unprotected_quantities": said["public"],
            },
            "privacy_loss": {
                "privacy_unit": markdown("ride" if manifest.is_of_ends else guarantee.unit),
                "privacy_unit_details": f"{said['unit']} {said['adjacency']}",
                "privacy_parameters": {"epsilon": guarantee.epsilon, "delta": guarantee.delta},
                "privacy_parameters_details": said["day"],
            },
            "deployment_model": {
                "model_name": "Central",
                "model_name_details": "Whoever polls the feeds holds the trips and is trusted.",
                "actors": said["observers"],
                "release_type": "Many releases",
                "release_type_details": said["series"],
                "data_source_type": "Dynamic",
                "data_source_type_details": "Every service day is a set of trips of its own.",
                "access_type": "Non-interactive",
                "access_type_details": "Files for download.",
            },
            "accounting": {
                "post_processing": _post_processing(manifest),
                "composition": f"{said['accountant']} {said['budget']}",
            },
            "implementation": {
                "preprocessing_and_hyperparameter_tuning": said["tuning"],
                "mechanisms": f"{said['mechanism']} Sampling: {said['sampling']} Randomness: "
                f"{said['randomness']}",
                "justification": said["audits"],
            },
            "administrative": {
                "notes": f"{said['not_protected']} {said['limits']}",
                "registry_authors": [markdown(about.creator)],
            },
        },
    }


def _post_processing(manifest: PublicManifest) -> str:
    fitted = (
        "A density was fitted to the noisy counts"
        if isinstance(manifest.mechanism, GaussianCounts)
        else "Weights were averaged over the steps"
    )
    moved = ", and moved to public roads and docks" if manifest.snapping else ""
    return f"{fitted}, and synthetic rows were drawn from it, checked by public rules{moved}."
