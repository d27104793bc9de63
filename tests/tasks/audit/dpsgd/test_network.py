import numpy as np
import pyarrow as pa
import pytest

from tasks.audit.dpsgd.network import QUICK_STEPS, AuditedNetwork
from tasks.audit.twin import Twin
from tasks.region import TripNet
from tasks.schema import RELEASE


@pytest.fixture(scope="module")
def less_private(twin: Twin) -> AuditedNetwork:
    """A network whose guarantee is so weak that it learns within 60 steps."""
    region = twin.region
    weak = region.guarantee.model_copy(update={"epsilon": 4.0})
    settings = TripNet(levels=2, hidden_units=8, steps=60, reserve_steps=0)
    region = region.model_copy(update={"guarantee": weak})
    return AuditedNetwork(Twin(region, twin.trips), settings, is_quick=False)


@pytest.mark.slow
def test_training_without_privacy_fits_better_and_both_beat_no_training(
    less_private: AuditedNetwork,
) -> None:
    twin = less_private.twin
    trips = twin.trips.take(twin.halves(seed=0)[0])
    untrained = -np.log(24 * 64 * 64)  # hour and two digits; the rest is about as likely
    private = less_private.train(trips, is_private=True).log_likelihood(trips).mean()
    openly = less_private.train(trips, is_private=False).log_likelihood(trips).mean()
    assert openly > private + 0.5
    assert private > untrained - 12


@pytest.mark.slow
@pytest.mark.parametrize(("optimizer", "steps_are_of_one_length"), [("adam", True), ("sgd", False)])
def test_the_twin_trains_by_the_optimizer_of_its_region(
    twin: Twin, optimizer: str, steps_are_of_one_length: bool
) -> None:
    settings = TripNet(levels=2, hidden_units=8, steps=1, reserve_steps=0, optimizer=optimizer)
    network = AuditedNetwork(twin, settings, is_quick=False)
    trained = network.train(twin.trips, is_private=True).trained
    lengths = np.abs(trained.weights - network.network.start())
    assert bool(lengths.std() < 0.01 * lengths.mean()) is steps_are_of_one_length


def test_a_quick_audit_trains_for_fewer_steps(twin: Twin) -> None:
    settings = TripNet(steps=300)
    quick = AuditedNetwork(twin, settings, is_quick=True).settings
    assert (quick.steps, quick.reserve_steps) == (QUICK_STEPS, 0)
    assert AuditedNetwork(twin, settings, is_quick=False).settings == settings


def test_a_release_has_the_columns_of_a_release(network: AuditedNetwork, rows: pa.Table) -> None:
    model = network.train(rows.slice(0, 20), is_private=False)
    assert model.draw(30).schema == RELEASE.arrow()


def test_a_row_that_is_no_trip_tells_nothing(network: AuditedNetwork, rows: pa.Table) -> None:
    elsewhere = pa.array(["elsewhere"], pa.string())
    row = rows.slice(0, 1).set_column(0, RELEASE.arrow().field(0), elsewhere)
    model = network.train(rows.slice(0, 20), is_private=False)
    assert model.log_likelihood(row).tolist() == [0.0]
