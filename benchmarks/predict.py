"""A file of a million rows through `make predict`, from what is typed to the last row: `make bench BENCH=predict`.

Neither an engine nor MLflow is up before. A million people are made of as many as were published, again and again.
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.lakes import BEFORE_TRAINING, DAY, FIRST, Town, crowned, days, in_a_row, job
from benchmarks.measured import Taken, asked, run, tell
from engine.running import free_port, running
from local import postgres
from local.at_hand import registry_of
from local.home import Home
from spark_jobs import use_cases
from spark_jobs.declare import Parameters, Stage, UseCase, Window

FEW, MANY = 100_000, 1_000_000
REPEATED = 32_561  # as many as the published people are
A_DAY = 50_000  # rows that are simulated at once
LEARNED = days(20)
MODELS: dict[str, Parameters] = {
    "wine_quality": {"boosting": {"max_depth": 8, "eta": 0.1}},
    "census_income": {"boosting": {"max_depth": 6, "eta": 0.1}},
}
KNOBS = {"wine_quality": "samples", "census_income": "people"}  # the knob that says how many
NO_ENGINE = -1  # it starts its own, which is watched as its child


@dataclass(frozen=True, kw_only=True)
class Bench:
    home: Home
    use_case: UseCase

    def learn(self, folder: Path) -> None:
        """A champion of simulated rows, in the registry of the home."""
        name = self.use_case.name
        with registry_of(self.home) as url, running(folder, self.home.lake) as engine:
            town = Town(self.home.root, engine, url)
            fit = replace(job(Stage.TRAIN, LEARNED, use_case=name), parameters=MODELS[name])
            with town.session() as spark:
                in_a_row(town, [*(job(stage, LEARNED, use_case=name) for stage in BEFORE_TRAINING), fit], spark)
            crowned(town, use_case=name)

    def file(self, rows: int, different: int) -> Path:
        """Simulated rows, of which so many are different."""
        path = self.home.root / "rows.csv"
        count = -(-different // A_DAY)
        simulated = use_cases.part(self.use_case.name, "source").simulated
        knobs = {**self.use_case.simulation, KNOBS[self.use_case.name]: 1.01 * different / count}
        texts = [delivery.text for delivery in simulated(Window(start=FIRST, end=FIRST + DAY * count), knobs)]
        header = texts[0].partition("\n")[0]
        lines = [line for text in texts for line in text.splitlines(keepends=True)[1:]][:different]
        with path.open("w", encoding="utf-8") as file:
            file.write(f"{header}\n")
            for written in range(0, rows, different):
                file.writelines(lines[: rows - written])
        return path

    def predict(self, file: Path) -> Taken:
        where = {"NIGHTSHIFT_HOME": str(self.home.root), "MODEL": self.use_case.name, "FILE": str(file)}
        ports = {"MLFLOW_PORT": str(self.home.mlflow_port), "ENGINE_PORT": str(self.home.engine_port)}
        return run([sys.executable, "-m", "local.predict"], where | ports, engine=NO_ENGINE)


def main() -> None:
    for name in MODELS:
        with TemporaryDirectory() as folder:
            home = Home(root=Path(folder) / "home", mlflow_port=free_port(), engine_port=free_port())
            postgres.make(home)
            bench = Bench(home=home, use_case=use_cases.learning(name))
            bench.learn(Path(folder))
            show(bench)


def show(bench: Bench) -> None:
    few, many, different = (
        bench.predict(bench.file(*size)) for size in ((FEW, REPEATED), (MANY, REPEATED), (MANY, MANY))
    )
    tell(f"make predict MODEL={bench.use_case.name}, by boosting, with reasons; nothing is up before")
    tell(f"  {FEW:,} rows, {REPEATED:,} of them different: {few.seconds:.0f} s, {few.gigabytes:.2f} GB in all")
    asked(f"seconds for {MANY:,} rows, {REPEATED:,} of them different", many.seconds, at_most=60)
    asked(f"seconds for {MANY:,} rows, all different", different.seconds, at_most=60)
    asked("times the memory of a tenth of them", many.peak / few.peak, at_most=1.25)


if __name__ == "__main__":
    main()
