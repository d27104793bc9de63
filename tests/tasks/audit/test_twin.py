import pyarrow as pa
import pytest

from tasks.audit.errors import AuditError
from tasks.audit.twin import INFLATED_EPSILON, Twin
from tasks.region import Region


def test_halves_are_a_partition(twin: Twin) -> None:
    one, other = twin.halves(seed=1)
    assert sorted([*one, *other]) == list(range(twin.trips.num_rows))
    assert set(one) != set(twin.halves(seed=2)[0])


def test_a_release_too_small_to_audit_is_refused(region: Region, rows: pa.Table) -> None:
    with pytest.raises(AuditError, match="too small") as caught:
        Twin(region, rows.slice(0, 100))
    assert "\n" not in str(caught.value)


def test_a_release_of_another_service_area_is_refused(region: Region, rows: pa.Table) -> None:
    (box,) = region.service_area
    for change in ({"name": "renamed"}, {"east": 10.75}):
        changed = region.model_copy(update={"service_area": (box.model_copy(update=change),)})
        with pytest.raises(AuditError, match="region's file as it was") as caught:
            Twin(changed, rows)
        assert "\n" not in str(caught.value)


def test_what_is_claimed_differs_from_the_guarantee_in_epsilon_alone(twin: Twin) -> None:
    assert twin.claimed.epsilon == INFLATED_EPSILON
    epsilon = twin.region.guarantee.epsilon
    assert twin.claimed.model_copy(update={"epsilon": epsilon}) == twin.region.guarantee
