"""What is accounted for anew is what was charged, for every mechanism and guarantee."""

from typing import Any

import pytest

from tasks.archive.verification.accounting import event_of
from tasks.privacy.counts import NoisyCount
from tasks.privacy.mechanism import SubsampledGaussian
from tasks.region import Guarantee, TripEnds, TripField, TripNet
from tasks.region.model import Box
from tasks.release.manifest import Count, DpSgd, GaussianCounts
from tasks.synthesis.plan import Mechanism, Plan
from tasks.synthesis.trip_ends import EndsMechanism, EndsSettings
from tasks.synthesis.trip_field import FieldMechanism, FieldSettings

TOWN = (Box(name="town", south=52.3, west=10.4, north=52.5, east=10.9),)
PRIVATE = Guarantee(adjacency="add_remove")
OF_VEHICLES = Guarantee(unit="vehicle_day", max_trips_per_vehicle=3, adjacency="add_remove")
NET = TripNet(name="trip_net", steps=5, reserve_steps=2)
FIELD = TripField(name="trip_field")
OF_ENDS = TripEnds(name="trip_ends")


def planned(guarantee: Guarantee, settings: TripField | TripNet | TripEnds) -> Plan:
    """A plan whose noise was not solved for, which takes long."""
    mechanism: Mechanism = SubsampledGaussian(0.1, 9.0, 5, 2, 1.0)
    if isinstance(settings, TripField):
        mechanism = FieldMechanism(TOWN, FieldSettings(), 4.2, guarantee.trips_per_unit)
    elif isinstance(settings, TripEnds):
        mechanism = EndsMechanism(TOWN, EndsSettings(), 4.2)
    if guarantee.adjacency == "zero_out":
        rows = (720, 705) if isinstance(settings, TripEnds) else 720
        return Plan(guarantee, TOWN, settings, rows, mechanism)
    count = NoisyCount.within(0.05, guarantee.trips_per_unit)
    return Plan(guarantee, TOWN, settings, None, mechanism, count)


def stated(plan: Plan) -> DpSgd | GaussianCounts:
    """The mechanism as a manifest states it."""
    count = Count(**plan.count_described) if plan.count_described else None
    mechanism: Any = plan.mechanism
    if isinstance(plan.settings, TripNet):
        return DpSgd(**mechanism.describe(), count=count)
    rows = (720, 705) if isinstance(plan.settings, TripEnds) else (720,)
    measured = mechanism.plan(*rows).mechanism.describe()
    return GaussianCounts(noise_multiplier=mechanism.noise_multiplier, **measured, count=count)


@pytest.mark.parametrize(
    ("guarantee", "settings"),
    [
        *((OF_VEHICLES, settings) for settings in (FIELD, NET)),
        *(
            (each, settings)
            for each in (Guarantee(), PRIVATE)
            for settings in (FIELD, OF_ENDS, NET)
        ),
    ],
)
def test_the_event_is_that_of_the_charge(
    guarantee: Guarantee, settings: TripField | TripNet | TripEnds
) -> None:
    plan = planned(guarantee, settings)
    assert event_of(stated(plan)) == plan.event()
