"""A right that is missing in a workspace, as Unity Catalog says it to whoever asked: Spark, MLflow or a person."""

import re

LACKING = re.compile(r"does not have (?P<right>[A-Z][A-Z_ ]+?) on (?P<kind>[A-Za-z ]+?) '(?P<name>[^']+)'")
VOLUME = re.compile(r"Permission denied: '/Volumes/(?P<name>[^/']+/[^/']+/[^/']+)")
IN_SQL = {"REGISTERED MODEL": "FUNCTION", "MODEL": "FUNCTION"}  # which has no word of its own for a model


def lacking(told: str) -> str:
    """Which one it is, on what, and what to do; empty where none is missing."""
    if right := _right(told):
        return f"whoever runs this job lacks a right: GRANT {right} TO them, then run again"
    return ""


def _right(told: str) -> str:
    if found := LACKING.search(told):
        kind = found["kind"].upper()
        return f"{found['right'].replace('_', ' ')} ON {IN_SQL.get(kind, kind)} {found['name']}"
    if found := VOLUME.search(told):
        return f"READ VOLUME, WRITE VOLUME ON VOLUME {found['name'].replace('/', '.')}"
    return ""
