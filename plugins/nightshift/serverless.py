"""What a use case cannot have where its jobs run serverless, refused before anything runs."""

from nightshift.databricks.workspace import Workspace
from nightshift.settings import settings
from spark_jobs.declare import BadRequest, UseCase


def refuse(use_case: UseCase, workspace: Workspace | None) -> None:
    """A candidate of every night; one that is fitted on request only is not offered."""
    always = [name for name in not_kept(use_case, workspace) if name not in use_case.search.on_request]
    if always:
        raise BadRequest(
            "NIGHTSHIFT_COMPUTE",
            f"{use_case.name} has the candidate {', '.join(always)}, whose model a serverless session cannot keep: "
            "name a cluster, or take it out of model.py and of needs_classic",
        )


def offered(use_case: UseCase) -> tuple[str, ...]:
    """Candidates that a form may ask for."""
    lacking = not_kept(use_case, settings().workspace)
    return tuple(name for name in use_case.search.on_request if name not in lacking)


def not_kept(use_case: UseCase, workspace: Workspace | None) -> tuple[str, ...]:
    return use_case.needs_classic if workspace and workspace.compute.serverless else ()
