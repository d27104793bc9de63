"""A mirror of the archive on a dataset hub that speaks the protocol of huggingface_hub.

One commit holds everything that has changed, so a reader sees the archive before or after it. It
names the commit it was made on: of two who mirror at once one is refused, and looks again.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from tasks.archive.archive import Archive
from tasks.archive.errors import ArchiveError
from tasks.archive.view import table_folder
from tasks.files.store import Store

CARD = "README.md"
_KEPT = frozenset({CARD, ".gitattributes"})
_CONFLICT = 412
_TRIES = 20


def mirror_to_dataset_hub(
    store: Store, archive: Archive, repository: str, endpoint: str | None = None
) -> str:
    """Make a dataset repository hold what a store has published, and nothing else.

    The token is the one that huggingface_hub finds: of `HF_TOKEN`, or of its login.

    Args:
        store: Where the archive lies.
        archive: What is in it.
        repository: `OWNER/NAME` of a dataset that exists.
        endpoint: Address of the hub; by default that of `HF_ENDPOINT`, or huggingface.co.

    Returns:
        What was done, for people.

    Raises:
        ArchiveError: If the client is not installed, or the hub refuses.
        StoreError: If the store cannot be read.
    """
    try:
        from httpx2 import HTTPError
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError as error:
        raise ArchiveError("a dataset hub needs more packages: install opentrips[hubs]") from error
    hub = HfApi(endpoint=endpoint)
    try:
        for _ in range(_TRIES):
            head = hub.dataset_info(repository, revision="main").sha
            there = _hashes(hub, repository, str(head))
            changes = list(_changes(store, archive, there))
            if not changes:
                return f"{repository}: has all of it already"
            try:
                hub.create_commit(
                    repository,
                    changes,
                    commit_message=f"{len(archive.offered)} days",
                    parent_commit=head,
                    repo_type="dataset",
                )
            except HfHubHTTPError as error:
                if error.response is None or error.response.status_code != _CONFLICT:
                    raise
                continue
            return f"{repository}: {len(changes)} files changed"
    except (HTTPError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ArchiveError(f"{repository}: the hub refuses: {reason}") from error
    raise ArchiveError(f"{repository}: others change it all the time; mirror again later")


def dataset_card(archive: Archive) -> bytes:
    """The card of the mirror; its front matter tells the hub which files are which table."""
    tables = sorted({name for entry in archive.offered for name in entry.tables})
    licences = sorted({entry.licence.lower() for entry in archive.offered})
    front = {
        "pretty_name": "Synthetic trips of shared scooters and bikes",
        "license": licences[0] if len(licences) == 1 else "other",
        "configs": [
            {"config_name": name, "data_files": f"{table_folder(name)}/**/*.parquet"}
            for name in tables
        ],
    }
    lines = [f"{key}: {json.dumps(value)}" for key, value in front.items()]  # JSON is YAML
    words = (
        "# Synthetic trips of shared scooters and bikes\n\n"
        f"{len(archive.offered)} days of {len(archive.regions)} regions. No row is a real trip, a "
        "vehicle or a person: the rows are differentially private, and the card of each day states "
        "its guarantee. `catalog.json` lists all releases, `errata.json` what was revised or "
        "withdrawn.\n"
    )
    return ("\n".join(["---", *lines, "---", "", words])).encode()


def _changes(store: Store, archive: Archive, there: Mapping[str, str]) -> Iterator[Any]:
    """What must be added to a repository, and what removed."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    names = set(store.listing())
    for name in sorted(names | {CARD}):
        content = dataset_card(archive) if name == CARD else store.read(name)
        if content is not None and there.get(name) not in _hashes_of(content):
            yield CommitOperationAdd(path_in_repo=name, path_or_fileobj=content)
    for name in sorted(there.keys() - names - _KEPT):
        yield CommitOperationDelete(path_in_repo=name)


def _hashes(hub: Any, repository: str, revision: str) -> dict[str, str]:
    """Of every file in a repository its hash: as a large file, or as a blob of git."""
    tree = hub.list_repo_tree(repository, recursive=True, revision=revision, repo_type="dataset")
    return {
        each.path: each.lfs.sha256 if each.lfs else each.blob_id
        for each in tree
        if hasattr(each, "blob_id")
    }


def _hashes_of(content: bytes) -> tuple[str, str]:
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False)
    return hashlib.sha256(content).hexdigest(), blob.hexdigest()
