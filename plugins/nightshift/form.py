"""The forms people fill in to start a Dag."""

from collections.abc import Mapping

from airflow.sdk import Param

from nightshift import often
from nightshift.plan import DECLARED, USUAL
from nightshift.registry import PREVIOUS, RELEASE, ROLL_BACK
from nightshift.serverless import offered
from spark_jobs.declare import Features, Search, Space, Tables, UseCase
from spark_jobs.declare.learning import WAYS
from spark_jobs.declare.space import in_words, size

DAYS = "Both days or none; the whole range is one run. None: yesterday (UTC)."


def of_a_use_case(use_case: Tables) -> dict[str, Param]:
    by_itself = f" By itself it runs {often.in_words(use_case.every)}, over today." if use_case.every else ""
    return {
        "first_day": _day("First day", f"The first day, included. {DAYS}{by_itself}"),
        "last_day": _day("Last day", f"The last day, included, at most yesterday (UTC). {DAYS}"),
        **(_of_a_model(use_case) if isinstance(use_case, UseCase) else {}),
        "reason": Param(None, type=["null", "string"], maxLength=500, title="Reason", description="For the record."),
    }


def _of_a_model(use_case: UseCase) -> dict[str, Param]:
    return {
        "retrain": _choice("Retrain", _trains(use_case.features), "always", "never"),
        "may_promote": _choice("May promote", "By itself a run promotes what passes the gate.", "yes", "no"),
        "approval": _choice("Approval", _asks(use_case), "yes"),
        **_also(offered(use_case)),
        **_parameters(use_case.search.spaces),
        **_search(use_case.search),
        "version": Param(
            None,
            type=["null", "integer"],
            minimum=1,
            title="Model version to score with",
            description="Instead of the champion.",
        ),
    }


def of_a_roll_back(models: list[str]) -> dict[str, Param]:
    return {
        "model": Param(models[0], type="string", enum=models, title="Model"),
        "action": Param(
            ROLL_BACK,
            type="string",
            enum=[ROLL_BACK, RELEASE],
            title="Action",
            description="A roll back holds promotion by nights until it is released here.",
        ),
        "version": Param(
            PREVIOUS,
            type=["string", "integer"],
            pattern="^(previous|[1-9][0-9]*)$",
            title="Version to restore",
            description="A number, or `previous`: the champion before this one.",
        ),
        "reason": Param(type="string", minLength=3, maxLength=500, title="Reason", description="For the record."),
    }


def _also(names: tuple[str, ...]) -> dict[str, Param]:
    """Only where there is something to ask for."""
    if not names:
        return {}
    says = "A candidate that takes long, beside those of every night. The run then trains, whether due or not."
    return {"also": Param(None, type=["null", "string"], enum=[None, *names], title="Fit also", description=says)}


def _parameters(spaces: Mapping[str, Space]) -> dict[str, Param]:
    if not spaces:
        return {}
    says = f"Train with exactly these, instead of searching. {in_words(spaces)}."
    return {"parameters": Param(None, type=["null", "object"], title="Parameters", description=says)}


def _search(search: Search) -> dict[str, Param]:
    if not search.spaces:
        return {}
    nightly = {name: space for name, space in search.spaces.items() if name not in search.on_request}
    says = (
        f"Declared is {search.by}. grid: all {size(nightly):,} combinations; genetic and optuna: {search.trials} "
        "trials. The run then trains, whether due or not."
    )
    return {"search": Param(DECLARED, type="string", enum=[DECLARED, *WAYS], title="Search by", description=says)}


def _trains(features: Features) -> str:
    says = "By itself a run trains if code, parameters or data changed."
    if features.protected:
        says += f" No model reads {' and '.join(features.protected)}. {features.protected_costs}"
    return says.rstrip()


def _asks(use_case: UseCase) -> str:
    if use_case.approval:
        return "A person is asked before anything is promoted; no form waives that."
    return "By itself nobody is asked. With yes, a person is, before anything is promoted."


def _day(title: str, description: str) -> Param:
    return Param(None, type=["null", "string"], format="date", title=title, description=description)


def _choice(title: str, description: str, *choices: str) -> Param:
    return Param(USUAL, type="string", enum=[USUAL, *choices], title=title, description=description)
