from pathlib import Path

import pytest

from tasks.gbfs import FeedError
from tasks.gbfs.catalogue import discovery_url

HEAD = "System ID,Name,Auto-Discovery URL\n"


def test_a_system_is_found_by_its_id() -> None:
    text = HEAD + 'x,"One, quoted",https://x.example/gbfs.json\ny,Two, https://y.example/ \n'
    assert discovery_url(text, "y") == "https://y.example/"
    assert (
        discovery_url("\ufeff" + text.replace("\n", "\r\n"), "x") == "https://x.example/gbfs.json"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no columns"),
        ("<html>", "no columns"),
        (HEAD, "no system 'x'"),
        (HEAD + "X,,https://x.example\n", "no system 'x'"),
        (HEAD + "x,One,\n", "names no URL"),
        (HEAD + "x\n", "names no URL"),
        (HEAD + '"' + "a" * 200_000 + '"\n', "no CSV"),
    ],
)
def test_what_cannot_be_found_is_said(text: str, message: str) -> None:
    with pytest.raises(FeedError, match=message):
        discovery_url(text, "x")


def test_the_real_catalogue(shared_data: Path) -> None:
    file = shared_data / "gbfs" / "mobilitydata_systems_csv" / "systems.csv"
    url = discovery_url(file.read_text(encoding="utf-8-sig"), "careem_bike")
    assert url == "https://careem.publicbikesystem.net/customer/gbfs/v3.0/gbfs.json"
