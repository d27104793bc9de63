import shutil
from pathlib import Path

import pytest

from tasks.files import Layout
from tests.tasks.archive.published import release_ends, release_trips


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Path:
    """Folders `trips` and `ends`, each of the data of a machine that released days."""
    from prefect.settings import (
        PREFECT_API_URL,
        PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW,
        temporary_settings,
    )

    root = tmp_path_factory.mktemp("released")
    server = {
        PREFECT_API_URL: prefect_server,
        PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW: "ignore",
    }
    for name, make in (("trips", release_trips), ("ends", release_ends)):
        with pytest.MonkeyPatch.context() as patch, temporary_settings(server):
            patch.setenv("OPENTRIPS_DATA", str(root / name))
            for setting in ("LEDGER", "PRIVATE_STORE", "PUBLIC_STORE", "PUBLIC_URL"):
                patch.delenv(f"OPENTRIPS_{setting}", raising=False)
            make(Layout(root / name))
    return root


@pytest.fixture
def trips(released: Path, data_root: Path) -> Layout:
    """A machine of its own that released two days of trips."""
    shutil.copytree(released / "trips", data_root)
    return Layout(data_root)


@pytest.fixture
def ends(released: Path, data_root: Path) -> Layout:
    """A machine of its own that released a day of starts and ends."""
    shutil.copytree(released / "ends", data_root)
    return Layout(data_root)
