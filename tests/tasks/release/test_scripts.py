import hashlib
from pathlib import Path

import pytest

import tasks.release
from tasks.release.scripts import map_script

VENDOR = Path(str(tasks.release.__file__)).parent / "vendor"
SHA256 = {
    "d3-color-3.1.0": "a12639010163230b8c130fbeb92a3a49bb5f6989a566d3664d759522db458489",
    "d3-dispatch-3.0.1": "94b3bbdb6b98dc1325a15762b051013e8253999b0e0436b27d1da17b952ba0af",
    "d3-drag-3.0.0": "158499fa8cdeef459e2ab9d01af22babd003c423a212fb24088c0f838864012b",
    "d3-ease-3.0.1": "e60a1ed750a1ad138dd18e8d3f463238113cfbf7d89685a13d19bd4e048dc3ce",
    "d3-interpolate-3.0.1": "bfc321e4c3f3b3aadc88cfe15ccb5e443abfeadef8b75c65b41c33a4d78a98ae",
    "d3-selection-3.0.0": "45daab9cf677901bcae102f3f23ca2930db3c0fb8ff9e3dbed087d9c4de921ca",
    "d3-timer-3.0.1": "911ceda305f014b6b53ca68d5c896a9a387da120cfd56a421a2c60cca2fc9b36",
    "d3-transition-3.0.1": "c248d97f6c131af7f4a12a3ff1f2ed83f1cc6c0e17fc764a198b6ee452e6621b",
    "d3-zoom-3.0.0": "4fdce9b830b78225c58e27258296084253c41a5eaf8cad9bd9ccfe3025daf1cf",
}
"""Of dist/<name>.min.js in the packages as they were published."""


def test_the_library_lies_here_as_it_was_published() -> None:
    assert {path.name.removesuffix(".min.js") for path in VENDOR.glob("*.js")} == set(SHA256)
    for name, expected in SHA256.items():
        content = (VENDOR / f"{name}.min.js").read_bytes()
        assert hashlib.sha256(content).hexdigest() == expected, name


def test_the_script_carries_the_licence_of_every_file_in_it() -> None:
    script = map_script()
    licence = (VENDOR / "LICENSE").read_text(encoding="utf-8")
    assert licence in script
    for name in SHA256:
        package, version = name.rsplit("-", 1)
        assert f"{package} {version}" in licence


@pytest.mark.parametrize(
    "word", ["eval(", "new Function", "innerHTML =", "Worker(", "fetch(", "import("]
)
def test_the_script_runs_no_text_and_asks_nobody(word: str) -> None:
    assert word not in map_script()


def test_the_script_does_not_end_its_own_element() -> None:
    assert "</script" not in map_script()
    assert "<!--" not in map_script()
