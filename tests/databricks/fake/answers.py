"""What a workspace says, in its own shapes."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True)
class Refusal(Exception):
    """An answer that is no."""

    status: int
    code: str
    message: str

    @property
    def body(self) -> dict[str, str]:
        return {"error_code": self.code, "message": self.message}


def malformed(message: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, "INVALID_PARAMETER_VALUE", message)


def missing(message: str) -> Refusal:
    return Refusal(HTTPStatus.NOT_FOUND, "RESOURCE_DOES_NOT_EXIST", message)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    headers: dict[str, str]
    json: dict[str, Any] = field(default_factory=dict)
    who: str = ""  # once they were let in

    @property
    def given(self) -> dict[str, Any]:
        """Asynchronous clients of jobs send what others put into the query as a body, also with GET."""
        return {**self.query, **self.json}


@dataclass(frozen=True, kw_only=True)
class Answer:
    json: Any = None
    content: bytes = b""
    status: int = HTTPStatus.OK
    headers: dict[str, str] = field(default_factory=dict)
