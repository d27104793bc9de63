import pyarrow as pa
import pytest

from tasks.audit.risks import measure_risks
from tasks.region import Region


@pytest.mark.slow  # numba compiles what anonymeter runs
def test_a_copy_is_at_risk_and_strangers_are_not(region: Region, rows: pa.Table) -> None:
    made_from, control, strangers = (rows.slice(start, 130) for start in (0, 130, 260))
    boxes = region.service_area
    for what, release, is_at_risk in (
        ("a copy", made_from, True),
        ("strangers", strangers, False),
    ):
        risks = measure_risks(made_from, control, release, boxes, 100, seed=0, what=what)
        assert [risk.release for risk in risks] == [what] * 4
        for risk in risks:
            assert (risk.risk.low > 0.5) is is_at_risk, risk
            assert risk.control.low <= risk.control.value <= risk.control.high
        assert all(risk.is_conclusive for risk in risks) or not is_at_risk
