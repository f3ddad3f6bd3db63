"""One tree of errors. Each says what was given, what is allowed and what to do."""


class NightshiftError(Exception):
    """Anything Nightshift says itself: a person can act on its text, a traceback adds nothing."""


class BadDeclaration(NightshiftError):
    """A use case that contradicts itself or leaves something out."""


class BadRequest(NightshiftError):
    """A job, form or setting that asks for what is not allowed. Trying again cannot help."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field


class Refused(NightshiftError):
    """The lake or the registry is in a state this job must not touch. Trying again cannot help."""


class Conflict(NightshiftError):
    """Somebody else changed what this step read. Trying again may help."""


class NotYet(NightshiftError):
    """What this step stands on is still to be made by others. Trying again helps once it is."""


class Unreachable(NightshiftError):
    """A server that must answer does not. Trying again helps once it is up."""
