"""The card: README.md of a release, for people who open the folder."""

from tasks.release.manifest import PublicManifest
from tasks.release.render import context, environment


def render_card(manifest: PublicManifest) -> str:
    """The card of a release, in Markdown."""
    template = environment(autoescape=False).get_template("card.md.j2")
    return template.render(context(manifest))
