"""`make stack` waits until every part is well; only models may lack, and then it says so."""

from dataclasses import dataclass, field

import pytest

from containers import up
from containers.compose import Stack
from local.commands import CannotGoOn


@dataclass(frozen=True, kw_only=True)
class Said(Stack):
    """What Docker would say of each part."""

    states: dict[str, str] = field(default_factory=dict)

    def compose(self, *_: str) -> str:
        return ""

    def containers(self) -> dict[str, str]:
        return self.states


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "WELL_WITHIN", -1.0)


def test_it_ends_well_where_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    up.start(Said(states={"x-mlflow-1": "healthy", "x-serving-1": "healthy", "x-prepare-1": "Exited (0)"}))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("between", ["-", "_"])
def test_a_champion_that_cannot_be_served_is_said_and_not_waited_for(
    between: str, capsys: pytest.CaptureFixture[str]
) -> None:
    up.start(Said(states={f"x{between}mlflow{between}1": "healthy", f"x{between}serving{between}1": "unhealthy"}))
    assert "A champion is there that cannot answer: the log of serving says why" in capsys.readouterr().out


@pytest.mark.parametrize(
    "states",
    [
        {"x-mlflow-1": "unhealthy", "x-serving-1": "unhealthy"},
        {"x-mlflow-1": "healthy", "x-serving-1": "starting"},
        {"x-mlflow-1": "healthy", "x-serving-1": "Exited (1)"},
        {"serving-mlflow-1": "unhealthy", "serving-serving-1": "healthy"},
    ],
)
def test_all_else_is_waited_for(states: dict[str, str]) -> None:
    with pytest.raises(CannotGoOn, match="Not well after"):
        up.start(Said(states=states))
