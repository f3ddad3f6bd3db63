"""What the start of a job takes, and what a job takes beside the same call in a process that has done it before."""

from functools import partial

from benchmarks.lakes import BEFORE_TRAINING, Town, as_jobs, days, in_a_row, job, jobs, workshop
from benchmarks.measured import alternated, asked, run, tell, timed
from spark_jobs.declare import Stage

TURNS = 5
RANGE = days(365)
NOTHING = job(Stage.SCORE, days(1))  # there is no champion
REFINE = [job(Stage.REFINE, days(1, RANGE.end))]


def prepare(town: Town) -> None:
    """Ingest to features of a range, and the night after it as it lies in bronze."""
    with town.session() as spark:
        in_a_row(town, [*jobs(RANGE, BEFORE_TRAINING), job(Stage.INGEST, days(1, RANGE.end))], spark)


def without_byte_code(town: Town) -> float:
    """An empty folder is where Python looks for it, and it must not fill it."""
    extra = {"PYTHONPYCACHEPREFIX": f"{town.folder}/nothing", "PYTHONDONTWRITEBYTECODE": "1"}
    return run(town.command(NOTHING), extra).seconds


def starts(town: Town) -> None:
    sides = {"with": partial(as_jobs, town, [NOTHING]), "without": partial(without_byte_code, town)}
    alternated(sides, 1)
    found = alternated(sides, TURNS)
    asked("seconds, a job that finds nothing to do", found["with"], at_most=2.5)
    tell(f"  seconds, the same without byte code {found['without']:.2f}")


def called(town: Town, *, small: bool) -> float:
    """In a session of its own, whose opening is not counted."""
    with town.session(small=small) as spark:
        return timed(partial(in_a_row, town, REFINE, spark))


def refines(town: Town) -> None:
    sides = {
        "job": partial(as_jobs, town, REFINE),
        "interpreted": partial(called, town, small=True),
        "compiled": partial(called, town, small=False),
    }
    alternated(sides, 1)
    found = alternated(sides, TURNS)
    tell(f"  refine of one night: a job {found['job']:.2f} s, called {found['interpreted']:.2f} s")
    asked("times the call, the job", found["job"] / found["interpreted"], at_most=1.5)
    tell(f"  refine of one night, called: interpreted {found['interpreted']:.2f} s, compiled {found['compiled']:.2f} s")


def main() -> None:
    with workshop() as (folder, engine):
        town = Town.founded(folder, engine)
        prepare(town)
        tell("the start of a job on a warm engine; medians")
        starts(town)
        refines(town)


if __name__ == "__main__":
    main()
