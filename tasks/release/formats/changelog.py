"""What changed between the revisions of a release: CHANGELOG.md."""

from tasks.release.manifest import PublicManifest
from tasks.release.metadata import metadata_of
from tasks.release.text import markdown


def changelog(manifest: PublicManifest) -> str:
    """The document of a release, in Markdown."""
    about, revision = metadata_of(manifest), manifest.revision
    said = (
        "First publication."
        if revision == 1
        else f"Replaces r{revision - 1}, which stays as it was published."
    )
    return f"# Changes of {markdown(about.title)}\n\n## r{revision}\n\n{said}\n"
