"""What changed between the revisions of a release: CHANGELOG.md."""

from tasks.release.manifest import PublicManifest
from tasks.release.metadata import metadata_of
from tasks.release.text import markdown


def changelog(manifest: PublicManifest) -> str:
    """The document of a release, in Markdown."""
    about, revises = metadata_of(manifest), manifest.revises
    said = (
        "First publication."
        if revises is None
        else f"{revises.at:%Y-%m-%d}: takes the place of r{revises.revision}, which stays as it "
        f"was published. {markdown(revises.reason)}"
    )
    return f"# Changes of {markdown(about.title)}\n\n## r{manifest.revision}\n\n{said}\n"
