"""The card: README.md of a release, for people who open the folder and for dataset hubs."""

from tasks.release.formats.front_matter import front_matter
from tasks.release.manifest import PublicManifest
from tasks.release.metadata import metadata_of
from tasks.release.render import context, environment
from tasks.release.text import as_yaml

CARD = "README.md"


def render_card(manifest: PublicManifest) -> str:
    """The card of a release, in Markdown after a head in YAML."""
    head = as_yaml(front_matter(metadata_of(manifest)))
    template = environment(autoescape=False).get_template("card.md.j2")
    return f"---\n{head}---\n\n{template.render(context(manifest))}"
