"""The files that describe a release; its public manifest alone decides what is in them."""

from tasks.release.card import CARD, render_card
from tasks.release.formats.changelog import changelog
from tasks.release.formats.citation import citation
from tasks.release.formats.croissant import croissant
from tasks.release.formats.data_package import data_package
from tasks.release.formats.licence_file import licence_file
from tasks.release.formats.privacy import privacy
from tasks.release.formats.registry import registry_entry
from tasks.release.manifest import PublicManifest
from tasks.release.metadata import metadata_of
from tasks.release.text import as_json, as_yaml

DESCRIPTIONS = (
    *(CARD, "LICENSE", "CHANGELOG.md", "CITATION.cff"),
    *("datapackage.json", "croissant.json", "privacy.json", "dp_deployment.yaml"),
)
"""Their names."""


def descriptions(manifest: PublicManifest) -> dict[str, str]:
    """The text of each, by the name of its file.

    Args:
        manifest: The public manifest; its `files` are the data files.
    """
    about = metadata_of(manifest)
    texts = (
        *(render_card(manifest), licence_file(about), changelog(manifest)),
        *(as_yaml(citation(about)), as_json(data_package(about)), as_json(croissant(about))),
        *(as_json(privacy(manifest)), as_yaml(registry_entry(manifest))),
    )
    return dict(zip(DESCRIPTIONS, texts, strict=True))
