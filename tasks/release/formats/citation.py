"""How to cite the release, in the Citation File Format 1.2.0: CITATION.cff."""

from typing import Any

from tasks.release.metadata import Metadata


def citation(about: Metadata) -> dict[str, Any]:
    """The document of a release, to be written as YAML."""
    licence = {"license": about.licence.id} if about.licence.is_known else {}
    return {
        "cff-version": "1.2.0",
        "message": "If you use this dataset, please cite it as below.",
        "type": "dataset",
        "title": about.title,
        "abstract": about.description,
        "authors": [{"name": about.creator}],
        "version": about.version,
        "date-released": about.published.isoformat(),
        **licence,
        "keywords": list(about.keywords),
    }
