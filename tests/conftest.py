"""What every test may use: real data where it is at hand, a data root of its own."""

import os
from pathlib import Path

import pytest

os.environ.update(
    DO_NOT_TRACK="1",
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    GX_ANALYTICS_ENABLED="false",
    TF_CPP_MIN_LOG_LEVEL="2",
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="120",
)

SHARED_DATA = Path(
    os.environ.get("OPENTRIPS_TEST_DATA", Path(__file__).parents[2] / "shared" / "data")
)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real feeds and trips, which is not part of the repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real data are absent ({SHARED_DATA}); OPENTRIPS_TEST_DATA can name them")
    return SHARED_DATA


@pytest.fixture
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data root, named to the code as a user would, by OPENTRIPS_DATA."""
    root = tmp_path / "data"
    monkeypatch.setenv("OPENTRIPS_DATA", str(root))
    return root
