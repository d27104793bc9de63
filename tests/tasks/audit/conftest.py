import numpy as np
import pyarrow as pa
import pytest

from tasks.audit.counts.ends import AuditedEnds
from tasks.audit.counts.field import AuditedField
from tasks.audit.dpsgd.network import AuditedNetwork
from tasks.audit.twin import Twin
from tasks.mobility.distance import haversine
from tasks.region import Region, TripEnds, TripField, TripNet
from tasks.schema import RELEASE
from tasks.synthesis import sphere


@pytest.fixture(scope="session")
def region() -> Region:
    return Region.model_validate(
        {
            "id": "town",
            "name": "Town",
            "time_zone": "UTC",
            "service_area": [
                {"name": "town", "south": 52.3, "west": 10.6, "north": 52.5, "east": 10.9}
            ],
            "feeds": [{"id": "feed", "url": "https://feed.example/gbfs.json"}],
            "synthesizer": {
                "name": "trip_net",
                "levels": 2,
                "hidden_units": 8,
                "steps": 60,
                "reserve_steps": 0,
            },
        }
    )


@pytest.fixture(scope="session")
def rows() -> pa.Table:
    """A release of 400 trips around a few places."""
    n, generator = 400, np.random.default_rng(2)
    latitude = generator.choice([52.35, 52.4, 52.45], n) + generator.normal(0, 0.004, n)
    longitude = generator.choice([10.7, 10.8], n) + generator.normal(0, 0.004, n)
    to_latitude, to_longitude = sphere.destination(
        latitude, longitude, generator.uniform(200, 900, n), generator.uniform(0, 6, n)
    )
    columns = [
        ["town"] * n,
        generator.integers(6, 22, n).astype(np.int8),
        *(np.round(part, 6) for part in (latitude, longitude, to_latitude, to_longitude)),
        haversine(latitude, longitude, to_latitude, to_longitude),
    ]
    return pa.table(columns, schema=RELEASE.arrow())


@pytest.fixture(scope="session")
def twin(region: Region, rows: pa.Table) -> Twin:
    return Twin(region, rows)


@pytest.fixture(scope="session")
def network(twin: Twin) -> AuditedNetwork:
    assert isinstance(twin.region.synthesizer, TripNet)
    return AuditedNetwork(twin, twin.region.synthesizer, is_quick=False)


@pytest.fixture(scope="session")
def field(twin: Twin) -> AuditedField:
    """The same twin in a region that synthesizes by `trip_field`."""
    settings = TripField(steps=40)
    region = twin.region.model_copy(update={"synthesizer": settings})
    return AuditedField(Twin(region, twin.trips), settings, is_quick=False)


@pytest.fixture(scope="session")
def ends_twin(twin: Twin) -> Twin:
    """The same twin in a region whose feeds change a vehicle's id with every ride."""
    feeds = tuple(feed.model_copy(update={"id_regime": "per_trip"}) for feed in twin.region.feeds)
    synthesizer = TripField(steps=40)
    region = twin.region.model_copy(update={"feeds": feeds, "synthesizer": synthesizer})
    return Twin(region, twin.trips)


@pytest.fixture(scope="session")
def ends(ends_twin: Twin) -> AuditedEnds:
    settings = ends_twin.region.maker
    assert isinstance(settings, TripEnds)
    return AuditedEnds(ends_twin, settings, is_quick=False)
