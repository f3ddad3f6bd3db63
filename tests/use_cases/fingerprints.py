"""What each feature column meant when it was recorded, as one short text."""

import hashlib
from collections.abc import Mapping

import pandas as pd

RULE = (
    "A changed meaning is a new column: models in use read the old one by its name, and would be fed something they "
    "were not fitted on. Keep {name} as it was while a champion reads it, give the new meaning a name of its own, and "
    "record that"
)


def fingerprints(rows: pd.DataFrame, key: list[str]) -> dict[str, str]:
    """Words, and nine digits of every number: enough to see a meaning, too few to see a machine."""
    ordered = rows.sort_values(key)
    return {name: _fingerprint(ordered[name]) for name in ordered.columns if name not in key}


def _fingerprint(column: pd.Series) -> str:
    texts = ["null" if pd.isna(one) else one if isinstance(one, str) else f"{float(one):.9g}" for one in column]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:8]


def differences(recorded: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Each a sentence that says what to do."""
    changed = [name for name in recorded if name in found and recorded[name] != found[name]]
    gone = [name for name in recorded if name not in found]
    new = {name: text for name, text in found.items() if name not in recorded}
    said = [f"{name} no longer has the values it was recorded with. {RULE.format(name=name)}" for name in changed]
    said += [f"{name} is gone: remove it from the record once no champion reads it" for name in gone]
    return said + ([f"not recorded yet, so add: {new}"] if new else [])
