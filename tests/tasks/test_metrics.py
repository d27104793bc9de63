import socket

import pytest
import requests

from tasks import metrics
from tasks.journal.metrics import REGISTRY
from tasks.metrics import MetricsError, serve_metrics
from tasks.poll import poll_shift
from tests.conftest import free_port
from tests.tasks.conftest import DAY, FeedServer, Reply, minutes, region_of, replayed

FEED = {"region": "metered", "feed": "feed"}


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, {**FEED, **labels})


@pytest.mark.usefixtures("layout", "tasks_alone")
def test_a_shift_is_served_on_loopback_and_tells_no_number_of_vehicles(
    feed_server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("OPENTRIPS_METRICS_PORT", str(port))
    times = minutes(0, 1, 2, 31, 32, 33)
    replies = replayed(times, 4567)
    replies[2] = Reply(b"no feed", 503, date=times[2])
    url = feed_server.serve_in_turn("/v", replies)
    region = region_of(url, clock="feed").model_copy(update={"id": "metered"})
    report = poll_shift(region, "feed", DAY)
    served = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    assert 'opentrips_polls_total{feed="feed",outcome="ok",region="metered"} 5.0' in served
    assert value("opentrips_polls_total", outcome="http_error") == 1
    assert value("opentrips_polls_total", outcome="ended") == report["outcomes"]["ended"] == 1
    assert value("opentrips_gaps_total") == 1
    assert value("opentrips_poll_latency_seconds_count") == 7
    assert value("opentrips_last_answer_timestamp_seconds") == times[-1].timestamp()
    names = {line.split("{")[0] for line in served.splitlines() if not line.startswith("#")}
    assert not [name for name in names if "vehicle" in name or "sighting" in name]
    own_lines = [line for line in served.splitlines() if 'region="metered"' in line]
    assert not [line for line in own_lines if line.endswith("4567.0")]
    with socket.socket() as probe:
        probe.settimeout(5)
        own = socket.gethostbyname(socket.gethostname())
        assert own.startswith("127.") or probe.connect_ex((own, port)) != 0


def test_without_the_setting_nothing_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENTRIPS_METRICS_PORT", raising=False)
    before = set(metrics._served)
    assert serve_metrics()
    assert metrics._served == before


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1", " 1"])
def test_a_setting_that_is_no_port_is_refused(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENTRIPS_METRICS_PORT", port)
    with pytest.raises(MetricsError, match=f"OPENTRIPS_METRICS_PORT={port}: no port; write"):
        serve_metrics()


def test_a_port_that_another_process_has_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("OPENTRIPS_METRICS_PORT", str(taken.getsockname()[1]))
        assert not serve_metrics()
