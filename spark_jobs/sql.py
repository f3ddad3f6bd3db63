"""Names and texts as Spark SQL writes them."""


def name_of(column: str) -> str:
    return f"`{column.replace('`', '``')}`"


def text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
