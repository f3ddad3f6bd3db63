"""Values as the text that rows are typed and checked by, whatever they came in."""

import json
from typing import Any

EXACT = 2.0**53  # up to here a float that is whole is one whole number


def text_of(value: Any) -> str | None:
    """Of a value of JSON, or of Python."""
    if value is None:
        return None
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) <= EXACT else repr(value)  # with the sign of nought
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()  # half a surrogate
