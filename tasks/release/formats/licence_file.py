"""Under which licence the release is published: LICENSE."""

from tasks.region.ways import WAYS
from tasks.release.metadata import Metadata


def licence_file(about: Metadata) -> str:
    """The file's text: which licence it is, where that stands, and what it does not cover."""
    licence = about.licence
    named = [f"Licence: {licence.title}"]
    if licence.url is not None:
        named += [f"SPDX-License-Identifier: {licence.id}", f"Text: {licence.url}"]
    covered = "It applies to all files beside this one"
    if all(resource.file != WAYS for resource in about.resources):
        return "\n".join([about.title, "", *named, "", f"{covered}.", ""])
    whose = about.credit or "Ask whoever made it for its licence."
    return "\n".join([about.title, "", *named, "", f"{covered}, but for {WAYS}: {whose}", ""])
