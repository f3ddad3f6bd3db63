"""Who asks a person: the last act of a night, and the Dag that waits for the answer."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.sdk import Context, Param
from airflow.sdk.exceptions import DagRunTriggerException, TaskAwaitingInput

from nightshift import approval, approval_page, links, registry
from nightshift.acts import ActOperator, Result, dag_run_is_over, model_name, planned, said, why_not
from nightshift.approval import NOBODY, Answer, Outcome, Request
from nightshift.beginnings import run_key
from nightshift.endings import failing_in_words, skip
from nightshift.mlflow_server import mlflow_client
from nightshift.plan import Plan
from spark_jobs.declare import BadRequest, Conflict, Refused, UseCase
from spark_jobs.use_cases import learning

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger(__name__)
ASK = "ask"  # the task's name on both sides
SHOWN = "shown"  # in the task's memory: which instance of it is on somebody's page
LONGEST = 500  # characters of a reason
APPROVE, REJECT = ApprovalOperator.APPROVE, ApprovalOperator.REJECT


# At the end of a night.
def ask(use_case: UseCase, context: Context) -> Result:
    """Start the Dag that asks a person, once the night is scored; who waits there for longer makes room."""
    links.show(context, said(context, "open_run"))
    plan, verdict, name = planned(context), said(context, "evaluate"), model_name(use_case)
    promoted = said(context, "promote").get("to", "")
    if not verdict:
        skip(context, "this run has judged no model")
    if not (plan.approval or promoted):
        skip(context, "nobody has to approve a model of this run")
    act = registry.Act(by=plan.by, why=plan.said_why, run_key=plan.run_key)
    with mlflow_client() as client:
        model = registry.Model.read(client, name)
        former = approval.waiting(model)
        if promoted:  # by the night itself; who waits was judged against another champion
            if former is None or promoted in (former.version, former.champion):
                skip(context, f"version {promoted} is champion, and nobody waits in vain")
            approval.supersede(client, name, former, promoted, act)
            end(former.dag_run, context)
        if refused := why_not(plan, verdict, model) or _champion_already(verdict, model):
            skip(context, refused)
        if former and _the_same(former, plan, verdict) and not _over(former.dag_run, context):
            links.show_approval(context, approval.DAG, former.dag_run, ASK)
            return former.to_dict()  # a former try came as far as this
        registry.refuse_another_champion(model, verdict["version"], verdict["champion"])
        _refuse_if_nobody_would_hear(context)
        request = _request(use_case, context, former)
        approval.ask(client, name, request, act)
    links.show_approval(context, approval.DAG, request.dag_run, ASK)
    raise _begun(request.dag_run, {"request": request.to_dict(), "verdict": verdict})


def end(dag_run: str, context: Context) -> NoReturn:
    """A task may not end another run, but begin it anew: that one reads in the registry that it is superseded."""
    if _over(dag_run, context):
        skip(context, f"{dag_run} is over already")
    raise _begun(dag_run, {})


def _begun(dag_run: str, conf: dict[str, Any]) -> DagRunTriggerException:
    """What Airflow's own TriggerDagRunOperator raises; its module would bring half of Airflow into each Dag file."""
    return DagRunTriggerException(
        trigger_dag_id=approval.DAG,
        dag_run_id=dag_run,
        conf=conf,
        reset_dag_run=True,
        skip_when_already_exists=False,
        wait_for_completion=False,
        allowed_states=[],
        failed_states=[],
        poke_interval=60,
        deferrable=False,
    )


def _refuse_if_nobody_would_hear(context: Context) -> None:
    if context["ti"].get_dag(approval.DAG).is_paused:
        raise Refused(f"the Dag {approval.DAG} is paused, so nobody would be asked: unpause it, then clear this task")


def _request(use_case: UseCase, context: Context, former: Request | None) -> Request:
    plan, verdict, asked = planned(context), said(context, "evaluate"), datetime.now(UTC)
    left = former and (former.former if _over(former.dag_run, context) else former.dag_run)
    return Request(
        use_case=use_case.name,
        version=verdict["version"],
        champion=verdict["champion"],
        night=plan.run_key,
        opened=said(context, "open_run"),
        why=plan.said_why,
        asked=asked.isoformat(timespec="milliseconds"),  # it names the Dag run
        until=(asked + use_case.answer_within).isoformat(timespec="seconds"),
        former=left or "",
    )


def _champion_already(verdict: Result, model: registry.Model) -> str:
    return f"version {verdict['version']} is champion already" if verdict["version"] == model.champion else ""


def _the_same(former: Request, plan: Plan, verdict: Result) -> bool:
    now = (verdict["version"], verdict["champion"], plan.run_key)
    return (former.version, former.champion, former.night) == now


def _over(dag_run: str, context: Context) -> bool:
    return dag_run_is_over(context, f"{approval.DAG}/{dag_run}")


class RequestOperator(ActOperator):
    """An act that may end with a request to a person."""

    operator_extra_links = (links.MlflowRun(), links.Approval())


# In the Dag that waits.
def close_former(context: Context) -> Result:
    """End the request whose place this one takes."""
    former = request_of(context).former
    if not former:
        skip(context, "nobody waited before")
    end(former, context)


class AskOperator(HITLOperator):
    """Waits in a state of its own: it holds no worker, no slot of a pool, no trigger."""

    operator_extra_links = (links.MlflowModel(),)

    def __init__(self, **arguments: Any) -> None:
        reason = Param("", type=["null", "string"], maxLength=LONGEST, title="Reason", description="For the record.")
        super().__init__(
            subject="Is a model to be champion?",  # which one, it says when it asks
            options=[APPROVE, REJECT],
            defaults=REJECT,
            params={"reason": reason},
            response_timeout=timedelta(days=1),  # each request has one of its own
            **arguments,
        )

    def execute(self, context: Context) -> Result:
        with failing_in_words(context):
            request = request_of(context)
            name, until = model_name(learning(request.use_case)), datetime.fromisoformat(request.until)
            links.show_model(context, name)
            with mlflow_client() as client:
                if approval.waiting(registry.Model.read(client, name)) != request:
                    skip(context, f"version {request.version} was {approval.closed(client, name, request)}")
                self.subject = f"Is version {request.version} of {request.use_case} to be champion?"
                self.body = approval_page.of(client, name, request, _conf(context)["verdict"])
        if until <= approval.now():  # begun anew after its time
            return not_answered(request).to_dict()
        self.response_timeout = until - approval.now()
        return self._wait(context)

    def _wait(self, context: Context) -> NoReturn:
        """Asked once: what is on somebody's page stays there, and an answer it has is heard at once."""
        # The scheduler takes a try for lost that was answered before it knew that it waits, and begins another; to ask
        # in that one would wipe out the answer. Needless once https://github.com/apache/airflow/issues/72716 is mended.
        memory, this = context["task_state_store"], str(context["ti"].id)
        if memory.get(SHOWN) != this:
            try:
                super().execute(context)
            except TaskAwaitingInput:
                memory.set(SHOWN, this)
        raise TaskAwaitingInput(method_name="execute_complete", timeout=self.response_timeout)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Result:
        """Airflow took the answer: what it would refuse only now, such as a long reason, is no cause to ask again."""
        request = request_of(context)
        links.show_model(context, model_name(learning(request.use_case)))
        return answer_of(request, event).to_dict()


def answer_of(request: Request, given: Mapping[str, Any]) -> Answer:
    """What somebody chose, if they chose it in time."""
    user, at = given["responded_by_user"], given["responded_at"]
    if user is None:
        return not_answered(request)
    (chosen,), by, reason = given["chosen_options"], user["name"], _reason(given["params_input"])
    when = at.replace(microsecond=0).isoformat()
    if at > datetime.fromisoformat(request.until):
        return Answer.of(Outcome.TOO_LATE, by, f"{chosen} came after {request.until}", at=when)
    return Answer.of(Outcome.APPROVED if chosen == APPROVE else Outcome.REJECTED, by, reason, at=when)


def _reason(typed: Mapping[str, Any]) -> str:
    """The API takes anything here."""
    return str(typed.get("reason") or "")[:LONGEST]


def not_answered(request: Request) -> Answer:
    return Answer.of(Outcome.NOT_ANSWERED, NOBODY, f"there was no answer until {request.until}")


def promote(context: Context) -> Result:
    """Do what the person said, if the registry still allows it, and write it down."""
    request, key = request_of(context), run_key(context["dag_run"])
    use_case, answer = learning(request.use_case), _answered(context)
    name = model_name(use_case)
    links.show_model(context, name)
    entry: Result = {}
    with mlflow_client() as client:
        if approval.waiting(registry.Model.read(client, name)) == request:
            if answer.outcome is Outcome.APPROVED:
                entry, answer = _promoted(client, name, request, answer, use_case)
            approval.close(client, name, request, answer, key)
        else:  # a former try came as far as this, or somebody took its place
            answer = approval.closed(client, name, request)
    if answer.outcome is Outcome.IN_VAIN:
        raise Refused(answer.why)
    if answer.outcome is not Outcome.APPROVED:
        skip(context, f"version {request.version} was {answer}")
    log.info("Champion of %s is version %s", name, request.version)
    return entry or answer.to_dict()


def _answered(context: Context) -> Answer:
    """Marking a task as done, in Airflow, is no answer."""
    if not (given := said(context, ASK)):
        raise Refused("somebody set the task ask by hand, and that is no answer: clear it, and it asks again")
    return Answer.from_dict(given)


def _promoted(
    client: "MlflowClient", name: str, request: Request, answer: Answer, use_case: UseCase
) -> tuple[Result, Answer]:
    try:
        return dict(approval.promote(client, name, request, answer, use_case.features.columns)), answer
    except (BadRequest, Refused, Conflict) as error:
        return {}, Answer.of(Outcome.IN_VAIN, answer.by, str(error), at=answer.at)


def request_of(context: Context) -> Request:
    return Request.from_dict(_conf(context).get("request") or {})


def _conf(context: Context) -> dict[str, Any]:
    return context["dag_run"].conf or {}
