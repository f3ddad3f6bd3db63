"""Names and texts as Spark SQL writes them."""

import re
from collections.abc import Mapping

from spark_jobs.declare import BadDeclaration

CONSTANT = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)")


def name_of(column: str) -> str:
    return f"`{column.replace('`', '``')}`"


def text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def with_constants(sql: str, constants: Mapping[str, float]) -> str:
    """`:threshold` as the number that a version keeps under this name, to the last bit."""
    if strange := [name for name in CONSTANT.findall(sql) if name not in constants]:
        raise BadDeclaration(
            f"{sql!r} names the constant {strange[0]!r}, which the version's calibrate did not give; it gave "
            f"{', '.join(constants) or 'nothing'}"
        )
    return CONSTANT.sub(lambda found: f"CAST('{float(constants[found[1]])!r}' AS DOUBLE)", sql)
