import json
from collections.abc import Callable

from tasks.region import Region
from tasks.release.formats.json_ld import json_ld
from tasks.release.manifest import FileFacts, PublicManifest
from tasks.release.text import as_json
from tasks.schema import RELEASE
from tests.tasks.release.conftest import AREAS


def test_a_search_engine_finds_what_it_asks_for(
    make_region: Callable[..., Region], make_manifest: Callable[..., PublicManifest]
) -> None:
    facts = FileFacts(bytes=12_345, sha256="cd" * 32)
    files = {"trips.parquet": facts, "trips.geo.parquet": facts, "measurements.parquet": facts}
    manifest = make_manifest(make_region(service_area=AREAS, publisher="Us"), files=files)
    document = json_ld(manifest)
    assert (document["@context"], document["@type"]) == ("https://schema.org/", "Dataset")
    assert 50 <= len(document["description"]) <= 5000
    assert document["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert document["creator"] == {"@type": "Organization", "name": "Us"}
    assert document["temporalCoverage"] == "2026-05-19T22:00:00+00:00/2026-05-20T22:00:00+00:00"
    boxes = [place["geo"]["box"] for place in document["spatialCoverage"]]
    assert boxes == ["52.4 10.4 52.5 10.6", "52.2 10.4 52.3 10.6"]
    assert [each["name"] for each in document["variableMeasured"]] == list(RELEASE.names)
    hour = document["variableMeasured"][1]
    assert (hour["unitText"], hour["minValue"], hour["maxValue"]) == ("h", 0, 23)
    assert [each["contentUrl"] for each in document["distribution"]] == list(files)
    assert document["distribution"][0]["sha256"] == "cd" * 32


def test_it_may_stand_in_a_page(
    make_region: Callable[..., Region], make_manifest: Callable[..., PublicManifest]
) -> None:
    document = json_ld(make_manifest(make_region(name="</script><!-- & -->"))) | {"x": "\u2028"}
    written = as_json(document)
    assert not set("<>&\u2028") & set(written)
    assert json.loads(written) == document
