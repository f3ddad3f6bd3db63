"""Bad files, all of them in one night: what cannot be used is refused with its reason, and the rest is kept."""

from dataclasses import dataclass

import pytest
from pyspark.sql import Row

from spark_jobs.declare import Window
from spark_jobs.lakehouse import within
from tests.campaign.deliveries import BAD, LATE, LATE_DAY, Bad
from tests.campaign.installation import DAY, NIGHT, NOT_TRAINED, Installation
from tests.campaign.laws import Laws

RUN = "bad_files"


@dataclass(frozen=True, kw_only=True)
class Night:
    """What the night made of them: rows by layer, and features around the late file before and after."""

    states: dict[str, str]
    counts: dict[str, int]
    rows: dict[str, list[Row]]
    before: dict[str, list[Row]]
    after: dict[str, list[Row]]

    def of(self, layer: str, bad: Bad) -> list[Row]:
        """Rows that came of its files."""
        files = [f"{bad.day}/{name}" for name in bad.files]
        return [row for row in self.rows[layer] if row["file"] in files]


def delivered(laws: Laws, layer: str) -> list[Row]:
    """Rows that came of any of our files."""
    files = [f"{bad.day}/{name}" for bad in [*BAD.values(), LATE] for name in bad.files]
    rows = laws.lake.table(layer, "rides").read()
    return rows.where(rows["file"].isin(files)).orderBy("file", "record").collect()


def features_around(laws: Laws) -> dict[str, list[Row]]:
    days = {"the day before": LATE_DAY - DAY, "the next day": LATE_DAY + DAY}
    rows = laws.lake.gold("features").read()
    return {name: rows.where(within([Window.of(day)])).orderBy("at").collect() for name, day in days.items()}


@pytest.fixture(scope="module")
def night(here: Installation, laws: Laws) -> Night:
    before = features_around(laws)
    for bad in [*BAD.values(), LATE]:
        for name, content in bad.files.items():
            path = here.raw / "rides" / str(bad.day) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    states = here.through(RUN, NIGHT, NIGHT)
    return Night(
        states=states,
        counts=here.result(RUN, "refine")["rows"]["rides"],
        rows={layer: delivered(laws, layer) for layer in ("bronze", "silver", "quarantine")},
        before=before,
        after=features_around(laws),
    )


@pytest.mark.timeout(1200)
def test_the_night_goes_on_and_says_what_it_refused(night: Night, here: Installation) -> None:
    assert here.state(RUN) == "success"
    assert {task for task, state in night.states.items() if state != "success"} == set(NOT_TRAINED)
    whole = [f"{bad.day}/{name}" for bad in BAD.values() for name, record in bad.refused if record == 0]
    said = here.log(RUN, "ingest")
    assert [name for name in whole if f"rides/{name} is refused: " not in said] == []
    assert night.counts["quarantined"] >= sum(len(bad.refused) for bad in BAD.values())


@pytest.mark.timeout(120)
@pytest.mark.parametrize("case", BAD)
def test_a_file(case: str, night: Night) -> None:
    refused_and_kept(BAD[case], night)


@pytest.mark.timeout(120)
def test_a_late_file_corrects_its_hour_and_the_features_after_it(night: Night) -> None:
    refused_and_kept(LATE, night)
    assert night.after["the next day"] != night.before["the next day"]
    assert night.after["the day before"] == night.before["the day before"]


def refused_and_kept(bad: Bad, night: Night) -> None:
    kept = {row["hr"]: (row["file"].partition("/")[2], row["cnt"]) for row in night.of("silver", bad)}
    assert kept == bad.kept
    assert {row["day"] for row in night.of("silver", bad)} <= {bad.describes}
    refused = {(row["file"].partition("/")[2], row["record"]): row["reasons"][0] for row in night.of("quarantine", bad)}
    assert refused == bad.refused
    arrived = len(night.of("bronze", bad))
    lost_elsewhere = int(bad is LATE)  # the hour it corrects was superseded in the file of its day
    assert arrived == len(kept) + len(refused) + bad.superseded - lost_elsewhere


@pytest.mark.timeout(120)
def test_a_field_of_a_million_characters_is_not_kept_whole(night: Night) -> None:
    [row] = night.of("quarantine", BAD["with a field of a million characters"])
    assert len(row["raw"]) == 2000


@pytest.mark.timeout(120)
def test_a_record_with_a_quoted_line_break_is_one_record(night: Night) -> None:
    [row] = night.of("quarantine", BAD["with a quoted line break"])
    assert (row["line"], row["raw"].count("\n")) == (3, 1)


@pytest.mark.timeout(1200)
def test_the_laws_hold_after_an_interruption_and_bad_files(night: Night, laws: Laws) -> None:
    assert laws.broken() == []
