from pathlib import Path

from tasks.privacy.fingerprint import code_version, fingerprint


def test_every_part_of_the_key_matters() -> None:
    key = fingerprint({"a": 1, "b": 2.5}, "code", "input")
    assert key == fingerprint({"b": 2.5, "a": 1}, "code", "input")
    others = [
        fingerprint({"a": 1, "b": 2.6}, "code", "input"),
        fingerprint({"a": 1, "b": 2.5}, "other", "input"),
        fingerprint({"a": 1, "b": 2.5}, "code", "other"),
    ]
    assert len({key, *others}) == 4


def test_the_code_version_follows_the_engines_that_read_private_rows(tmp_path: Path) -> None:
    for engine in ("privacy", "synthesis", "gbfs"):
        (tmp_path / engine).mkdir()
        (tmp_path / engine / "code.py").write_text("x = 1\n")
    first = code_version(tmp_path)
    (tmp_path / "gbfs" / "code.py").write_text("x = 2\n")
    assert code_version(tmp_path) == first
    (tmp_path / "synthesis" / "code.py").write_text("x = 2\n")
    assert code_version(tmp_path) != first
    second = code_version(tmp_path, {"synthesis/code.py"})
    (tmp_path / "synthesis" / "code.py").write_text("x = 3\n")
    assert code_version(tmp_path, {"synthesis/code.py"}) == second
    (tmp_path / "privacy" / "code.py").write_text("x = 3\n")
    assert code_version(tmp_path, {"synthesis/code.py"}) != second
    assert len(code_version()) == 64
