"""The files of a release that its public manifest alone decides, beside the page."""

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


def documents(manifest: PublicManifest) -> dict[str, str]:
    """The text of each, by the name of its file.

    Args:
        manifest: The public manifest; its `files` are the data files.
    """
    about = metadata_of(manifest)
    return {
        CARD: render_card(manifest),
        "LICENSE": licence_file(about),
        "CHANGELOG.md": changelog(manifest),
        "CITATION.cff": as_yaml(citation(about)),
        "datapackage.json": as_json(data_package(about)),
        "croissant.json": as_json(croissant(about)),
        "privacy.json": as_json(privacy(manifest)),
        "dp_deployment.yaml": as_yaml(registry_entry(manifest)),
    }
