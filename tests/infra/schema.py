"""Schemas of what other programs read, and the documents that are held against them."""

import json
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
SCHEMAS = Path(__file__).parent / "schemas"

_GROUPS = {
    "v1": "core.v1",
    "apps/v1": "apps.v1",
    "batch/v1": "batch.v1",
    "networking.k8s.io/v1": "networking.v1",
    "rbac.authorization.k8s.io/v1": "rbac.v1",
}


def compose_faults(document: Any) -> list[str]:
    """What the Compose Specification has against a document, a line each."""
    schema = json.loads((SCHEMAS / "compose-spec.json").read_text())
    return _faults(document, schema)


def kubernetes_faults(document: Any) -> list[str]:
    """What Kubernetes has against an object, a line each; unknown fields are faults."""
    definitions = json.loads((SCHEMAS / "kubernetes-1.37.json").read_text())
    name = f"io.k8s.api.{_GROUPS[document['apiVersion']]}.{document['kind']}"
    return _faults(document, {**definitions, "$ref": f"#/$defs/{name}"})


def documents(path: Path) -> list[dict[str, Any]]:
    """All documents of a YAML file."""
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def _faults(document: Any, schema: Any) -> list[str]:
    Draft202012Validator.check_schema(schema)
    return [
        f"{error.json_path}: {error.message[:200]}"
        for error in Draft202012Validator(schema).iter_errors(document)
    ]
