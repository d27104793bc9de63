import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.files import Layout
from tests.tasks.archive.published import release_ends, release_net, release_trips

Released = Callable[[Callable[[Layout], object]], Path]


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Released:
    """The data of a machine that released days in one of the ways of `published`, made once."""
    from prefect.settings import (
        PREFECT_API_URL,
        PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW,
        temporary_settings,
    )

    server = {
        PREFECT_API_URL: prefect_server,
        PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW: "ignore",
    }
    known: dict[str, Path] = {}

    def data_of(release: Callable[[Layout], object]) -> Path:
        if (root := known.get(release.__name__)) is None:
            root = known[release.__name__] = tmp_path_factory.mktemp("released") / "data"
            with pytest.MonkeyPatch.context() as patch, temporary_settings(server):
                patch.setenv("OPENTRIPS_DATA", str(root))
                for setting in ("LEDGER", "PRIVATE_STORE", "PUBLIC_STORE", "PUBLIC_URL"):
                    patch.delenv(f"OPENTRIPS_{setting}", raising=False)
                release(Layout(root))
        return root

    return data_of


@pytest.fixture
def trips(released: Released, data_root: Path) -> Layout:
    """A machine of its own that released two days of trips."""
    shutil.copytree(released(release_trips), data_root)
    return Layout(data_root)


@pytest.fixture
def net(released: Released, data_root: Path) -> Layout:
    """A machine of its own that released a day of trips from a network."""
    shutil.copytree(released(release_net), data_root)
    return Layout(data_root)


@pytest.fixture
def ends(released: Released, data_root: Path) -> Layout:
    """A machine of its own that released a day of starts and ends."""
    shutil.copytree(released(release_ends), data_root)
    return Layout(data_root)
