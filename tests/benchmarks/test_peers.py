from dataclasses import fields

import yaml

from tasks.quality.intervals import Interval
from tasks.quality.metrics import Closeness
from tests.benchmarks.peers import FILE, Peer, peers_at
from tests.benchmarks.report import COLUMNS, line, title


def test_every_figure_of_the_peers_is_one_that_we_measure() -> None:
    names = {field.name for field in fields(Closeness)}
    peers = [Peer(**row) for row in yaml.safe_load(FILE.read_text(encoding="utf-8"))["peers"]]
    assert {peer.epsilon for peer in peers} == {0.666, 1.0, 10.0}
    for peer in peers:
        assert set(peer.figures) <= names
        assert set(peer.packages) <= set(peer.figures)
        assert all(0 <= value <= 1 for value in peer.figures.values())


def test_peers_of_an_epsilon() -> None:
    assert peers_at(0.666)[0].name == "best peer"
    assert peers_at(0.666)[0].figures["pairs_5km"] == 0.196
    assert peers_at(2.0) == []


def test_a_line_has_a_cell_under_every_column() -> None:
    printed = line("ours", {"pairs_5km": 0.1964, "length": 0.00512, "auc": Interval(0.7, 0.01, 15)})
    assert len(printed) == len(title()) + len("0.700 ± 0.010") - len("   auc")
    cells = printed.replace(" ± ", "±").split()
    assert dict(zip(["name", *COLUMNS], cells, strict=True)) == {
        **dict.fromkeys(COLUMNS, "-"),
        "name": "ours",
        "pairs_5km": "0.196",
        "length": "0.0051",
        "auc": "0.700±0.010",
    }
