from tasks.audit.dpsgd.one_run import power_of_training
from tasks.audit.twin import INFLATED_EPSILON
from tasks.privacy.mechanism import SubsampledGaussian
from tasks.region import Guarantee


def test_the_power_of_an_audit_is_stated_in_order() -> None:
    mechanism = SubsampledGaussian(0.2, 2.131, steps=60, reserve_steps=0, l2_norm_clip=1.0)
    claimed = Guarantee(epsilon=INFLATED_EPSILON, delta=1e-6)
    power = power_of_training(mechanism, claimed, 1024)
    assert 0 < power.low < power.expected < power.high <= power.hardly_ever < power.ceiling < 4
    assert power_of_training(mechanism, claimed, 4096).expected > power.expected
