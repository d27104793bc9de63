"""All files of a release, as its page lists them."""

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.files.manifest import MANIFEST
from tasks.release.formats.sums import SUMS, length_of_sums
from tasks.release.manifest import FileFacts
from tasks.release.words import file_words

PAGE = "index.html"


@dataclass(frozen=True)
class Listed:
    """A file of a release.

    Attributes:
        name: Its name.
        said: What it is, for people.
        is_data: Whether it holds data, and not words about them.
        bytes: Its length; None where the page cannot know it.
        sha256: Its SHA-256; None where the page cannot know it.
    """

    name: str
    said: str
    is_data: bool
    bytes: int | None
    sha256: str | None


def listing(data: Mapping[str, FileFacts], described: Mapping[str, FileFacts]) -> list[Listed]:
    """Data, descriptions, the page itself, and what is written after it.

    The page cannot hold its own length and hash, nor the hashes of the files that hold these.

    Args:
        data: The data files, in the order in which they are listed.
        described: The descriptions.
    """
    summed = (*data, *described, PAGE)
    last = {PAGE: None, SUMS: length_of_sums(summed), MANIFEST: None}
    return [
        *(Listed(name, file_words(name), True, f.bytes, f.sha256) for name, f in data.items()),
        *(
            Listed(name, file_words(name), False, f.bytes, f.sha256)
            for name, f in described.items()
        ),
        *(Listed(name, file_words(name), False, length, None) for name, length in last.items()),
    ]
