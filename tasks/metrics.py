"""Serving the metrics of collecting to a Prometheus server on the same machine."""

import os
import threading

from prometheus_client import start_http_server

from tasks import OpentripsError
from tasks.journal.metrics import REGISTRY

SETTING = "OPENTRIPS_METRICS_PORT"
"""Environment variable with the port; without it nothing is served."""

_lock = threading.Lock()
_served: set[int] = set()


class MetricsError(OpentripsError):
    """The metrics cannot be served as asked."""


def serve_metrics() -> bool:
    """Serve this process's metrics at `http://127.0.0.1:PORT/metrics` from now on, once.

    Never on another interface: they are private ground.

    Returns:
        False if another process has the port, which then serves its own and not these.

    Raises:
        MetricsError: If the setting is no port.
    """
    if not (text := os.environ.get(SETTING)):
        return True
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise MetricsError(f"{SETTING}={text}: no port; write a number from 1 to 65535")
    with _lock:
        if int(text) not in _served:
            try:
                start_http_server(int(text), addr="127.0.0.1", registry=REGISTRY)
            except OSError:
                return False
            _served.add(int(text))
    return True
