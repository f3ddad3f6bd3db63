"""What the machine under a job says when it fails, in words that tell a person what to do."""

import re

from spark_jobs.declare import NightshiftError, Place, Refused
from spark_jobs.declare.rights import lacking

ENGINE = (
    (
        r"OPERATION_CANCELED|OPERATION_ABANDONED",
        "the engine ended this job's query: another try of it has begun, or the engine did not hear of it for seconds, "
        "because the machine is overloaded or the job was stopped. Look at the newest try; if this is it, run it again",
    ),
    (
        r"INVALID_HANDLE\.|NO_ACTIVE_SESSION",
        "another try of this job has taken its session, or the engine was started anew, or this job stood still for "
        "minutes: nothing of it was written since. Look at the newest try",
    ),
    (
        r"StatusCode.UNAVAILABLE|RETRIES_EXCEEDED|Connection refused|Socket closed",
        "the engine ended while this job worked (killed, or out of memory: its log says which). What was not committed "
        "is not there. It is started again by itself; then run this job again",
    ),
    (
        r"spark.driver.maxResultSize",
        "the answer of a query is larger than the engine lets one have, a quarter of its memory. Give it more, like "
        "ENGINE_MEMORY=4g behind `make run` or `make stack`, or ask for fewer days",
    ),
)
NOT_LET_IN = r"UNAUTHENTICATED|Invalid authentication token|No authentication token"
KNOWN = (
    (r"No space left on device|Disk quota exceeded", "the disk is full: free some space, then run again"),
    (
        r"Permission denied|Read-only file system|AccessControlException|Mkdirs failed to create|Not a directory"
        r"|NotADirectoryError|DELTA_CANNOT_CREATE_LOG_PATH",
        "a folder cannot be read or written: look at its owner and rights, then run again",
    ),
)


def explained(error: Exception, place: Place) -> NightshiftError | None:
    """The failure in our own words, None where the cause is not a known one."""
    told = "\n".join(map(str, _chain(error)))
    if place.engine and re.search(NOT_LET_IN, told):
        return Refused("the engine does not take this token: end `make run`, and start it again")
    for pattern, says in ENGINE if place.engine else ():
        if re.search(pattern, told):
            return NightshiftError(f"{says} (engine {place.engine})")
    if says := lacking(told):
        return Refused(says)
    for pattern, says in KNOWN:
        if found := re.search(rf".*(?:{pattern}).*", told):
            where = f"(lake {place.lake}, landing {place.landing})"
            return NightshiftError(f"{says} {where}. It said: {found.group().strip(': ')[:300]}")
    return None


def cause(error: Exception) -> str:
    """The one line that says what began it."""
    told = [one for one in _chain(error) if not type(one).__module__.startswith("grpc")]  # these say it in many lines
    first = (told or [error])[-1]
    return f"{type(first).__name__}: {_telling_line(str(first))}"


def _telling_line(message: str) -> str:
    """The first, but for failures in Java, told by py4j, and on a worker, told with its traceback."""
    lines = message.strip().splitlines() or ["no message"]
    if lines[0].startswith("An error occurred while calling") and len(lines) > 1:
        return lines[1].removeprefix(": ")
    if "Traceback (most recent call last)" in message:
        return next(
            (line for line in reversed(lines) if re.match(r"[\w.]+(Error|Exception|Refused|Conflict): ", line)),
            lines[0],
        )
    return lines[0]


def _chain(error: BaseException) -> list[BaseException]:
    found = [error]
    while (below := found[-1].__cause__ or found[-1].__context__) is not None and below not in found:
        found.append(below)
    return found
