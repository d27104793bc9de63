from pathlib import Path
from typing import Any

import yaml

from tasks.region import Box, load_region
from tasks.service_area import Areas, yaml_of
from tests.tasks.service_area.conftest import square

HOLED = Box.model_validate(
    {"name": "no", "polygons": [[square(0, 0, 10), square(2, 2)], [square(12, 0, 3)]]}
)
PLAIN = Box(name="plain", south=50.0, west=9.0, north=50.5, east=9.5)


def test_polygons_can_stand_in_the_block_itself(tmp_path: Path) -> None:
    block = yaml_of(Areas((HOLED, PLAIN), ("made by hand",)))
    feeds: list[dict[str, Any]] = [{"id": "f", "url": "https://town.example/gbfs.json"}]
    rest = {"id": "r", "name": "R", "time_zone": "Etc/UTC", "feeds": feeds}
    path = tmp_path / "region.yaml"
    path.write_text(yaml.safe_dump(rest) + block)
    assert load_region(path).service_area == (HOLED, PLAIN)
    assert block.startswith("# made by hand\n# no: latitude 50.0")
    assert block.count("\n") == 4 + 1 + 5
