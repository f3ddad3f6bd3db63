"""The greatest memory of each job of a range of two years, training included: JVM and Python together."""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.lakes import Town, crowned, days, job
from benchmarks.measured import asked, run, tell
from spark_jobs.declare import Stage

TWO_YEARS = days(731)


def main() -> None:
    with TemporaryDirectory() as folder:
        town = Town.founded(Path(folder))
        tell("peak memory of the jobs of a range of two years")
        for stage in Stage:
            work = job(stage, TWO_YEARS, version="1" if stage is Stage.EVALUATE else "")
            taken = run(town.command(work), memory=True)
            asked(f"GB, {stage} ({taken.seconds:.0f} s)", taken.gigabytes, at_most=3.0)
            if stage is Stage.EVALUATE:
                crowned(town)


if __name__ == "__main__":
    main()
