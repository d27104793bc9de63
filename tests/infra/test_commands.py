"""What the README and the comments of `infra/` tell a person to type."""

import re
from pathlib import Path

import pytest

from tests.infra.schema import INFRA, ROOT

MADE_BY_HAND = {
    *("infra/.env", "infra/feeds.env", "infra/kubernetes/secrets", "infra/kubernetes/regions"),
}
SUFFIXES = (".yaml", ".service", ".example", ".conf")
TOLD = [
    ROOT / "README.md",
    ROOT / "pyproject.toml",
    *(path for path in INFRA.rglob("*.*") if path.is_file() and path.suffix in SUFFIXES),
    INFRA / "images" / "Dockerfile",
]


@pytest.mark.parametrize("path", TOLD, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_that_is_named_is_there(path: Path) -> None:
    for name in re.findall(r"(?<![\w/.])infra/[\w./${}*-]*\w", path.read_text()):
        if "$" not in name and name not in MADE_BY_HAND:
            assert any(ROOT.glob(name)), f"{path.name}: {name}"
