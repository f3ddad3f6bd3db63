"""Which prediction counts: of all versions that scored a key, the first one did so when it mattered."""

from collections.abc import Sequence


def live_sql(predictions: str, key: Sequence[str]) -> str:
    """The query behind the view predictions_live."""
    names = ", ".join(f"`{name}`" for name in key)
    order = "ORDER BY first_scored, model_version"
    turns = f"SELECT *, row_number() OVER (PARTITION BY {names} {order}) AS turn FROM {predictions}"
    return f"SELECT * EXCEPT (turn) FROM ({turns}) WHERE turn = 1"
