"""What bad things get: each line of the promise, and the tests that keep it. Jobs are started by the real scheduler."""

import ast
from pathlib import Path

import pytest

from tests.campaign.deliveries import BAD

HERE = Path(__file__).parent

A_FILE = "test_02_bad_files::test_a_file[{}]"

LINES: dict[str, tuple[str, ...]] = {
    "a file that is empty": (A_FILE.format("empty"),),
    "a file cut in half": (A_FILE.format("cut in half"),),
    "a file in the wrong encoding": (
        A_FILE.format("in another encoding"),
        A_FILE.format("with a text of another encoding"),
    ),
    "a missing column": (A_FILE.format("with a missing column"),),
    "a renamed column": (A_FILE.format("with a renamed column"),),
    "an extra column": (A_FILE.format("with an extra column"),),
    "a doubled column": (A_FILE.format("with a doubled column"),),
    "text in a number": (A_FILE.format("with text in a number"),),
    "NaN": (A_FILE.format("with NaN"),),
    "infinity": (A_FILE.format("with infinity"),),
    "a date that is not one": (A_FILE.format("with a date that is none"),),
    "a negative count": (A_FILE.format("with a negative count"),),
    "a million-character field": (
        A_FILE.format("with a field of a million characters"),
        "test_02_bad_files::test_a_field_of_a_million_characters_is_not_kept_whole",
    ),
    "a NUL byte": (A_FILE.format("with a NUL byte"),),
    "the same file twice": (A_FILE.format("twice"),),
    "two files for one hour": (A_FILE.format("beside another for the same hour"),),
    "a file for another day": (A_FILE.format("for another day"),),
    "a late file": ("test_02_bad_files::test_a_late_file_corrects_its_hour_and_the_features_after_it",),
    "a quoted line break": (
        A_FILE.format("with a quoted line break"),
        "test_02_bad_files::test_a_record_with_a_quoted_line_break_is_one_record",
    ),
    "a lake path that cannot be written": (
        "test_07_disk::test_a_lake_that_cannot_be_written_fails_the_run_and_says_what_to_look_at",
    ),
    "MLflow down for a minute (retried)": (
        "test_05_mlflow::test_a_training_waits_for_an_mlflow_that_is_down_for_a_minute",
    ),
    "MLflow down for good (clear failure, nothing half-promoted)": (
        "test_05_mlflow::test_an_mlflow_that_stays_down_fails_the_run_in_clear_words",
        "test_05_mlflow::test_nothing_is_half_promoted_when_mlflow_stays_down",
    ),
    "training that fails while a champion exists (scores written, Dag run and MLflow run failed)": (
        "test_04_training::test_a_training_that_fails_costs_no_scores_and_turns_the_run_red",
        "test_04_training::test_a_training_that_failed_is_failed_in_mlflow_and_carries_its_error",
    ),
    "a challenger trained on an old window against a newer champion": (
        "test_06_at_once::test_a_challenger_of_an_old_window_is_rejected_for_the_champion_has_seen_its_judge_rows",
    ),
    "a feature column removed that the champion reads": (
        "test_04_training::test_a_column_that_the_champion_reads_cannot_be_taken_away",
    ),
    "a Spark job killed with SIGKILL in every stage and retried": (
        "test_03_killed::test_a_run_whose_job_was_killed_in_every_stage_succeeds_at_the_second_try",
        "test_03_killed::test_a_training_that_was_killed_leaves_one_version",
    ),
    "the Airflow worker killed while its job runs (no orphan, none beside its retry)": (
        "test_03_killed::test_a_job_ends_when_its_worker_is_killed_and_a_retry_does_its_work",
        "test_03_killed::test_a_job_that_hangs_when_its_worker_is_killed_does_not_run_beside_its_retry",
    ),
    "the engine killed in every stage, alone and with its job": (
        "test_03_killed_engine::test_a_run_whose_engine_was_killed_in_every_stage_succeeds_and_says_what_happened",
    ),
    "the engine gone for a minute (waited for)": (
        "test_03_killed_engine::test_an_engine_that_comes_back_after_a_minute_was_waited_for_and_the_run_makes_up_for_the_one_before",
    ),
    "the engine gone for good (clear failure)": (
        "test_03_killed_engine::test_an_engine_that_stays_away_fails_the_run_in_clear_words",
    ),
    "the engine's temporary folder full": (
        "test_07_disk::test_an_engine_whose_temporary_folder_is_full_fails_the_run_and_says_so",
    ),
    "MLflow ended in the middle of promote": (
        "test_05_mlflow::test_an_mlflow_that_ends_in_the_middle_of_promote_leaves_one_champion_and_one_entry",
    ),
    "Ctrl-C in the middle": (
        "test_01_interrupted::test_ctrl_c_ends_every_process_that_make_run_started",
        "test_01_interrupted::test_started_again_it_carries_on_with_the_range_that_was_interrupted",
    ),
    "two range runs that overlap started at once": (
        "test_06_at_once::test_two_ranges_that_overlap_and_start_at_once_both_succeed",
    ),
    "a range run beside a back-fill": (
        "test_06_at_once::test_a_range_beside_a_backfill_both_succeed_and_neither_trains",
    ),
    "an approval that waits while Airflow is started anew": (
        "test_06_waiting::test_a_version_waits_through_a_new_start_of_airflow_and_nights_go_on",
    ),
    "a newer challenger while one waits for a person": (
        "test_06_waiting::test_a_newer_version_closes_the_request_of_the_one_that_waits",
    ),
    "an approval answered twice": (
        "test_06_waiting::test_an_approval_makes_a_champion_and_the_second_answer_is_refused",
    ),
    "disk full while writing": ("test_07_disk::test_a_disk_that_is_full_while_a_job_writes_fails_the_run_and_says_so",),
    "SIGKILL of one part of `make run`, or of itself, while a night runs": (
        "test_08_killed_parts::test_it_comes_up_every_time_and_the_night_ends_as_an_undisturbed_one",
    ),
    "64 clients of a service for five minutes, with a promotion and a roll back in the middle": (
        "test_09_many_clients::test_many_clients_are_answered_for_minutes_by_one_version_at_a_time_whatever_becomes_champion",
    ),
    "ten thousand malformed bodies that a service is sent": (
        "test_10_malformed::test_ten_thousand_malformed_bodies_are_each_told_so_and_leave_nothing_behind",
    ),
    "the laws hold after each": (
        "test_02_bad_files::test_the_laws_hold_after_an_interruption_and_bad_files",
        "test_03_killed::test_the_laws_hold_after_killed_jobs_and_workers",
        "test_03_killed_engine::test_an_engine_that_comes_back_after_a_minute_was_waited_for_and_the_run_makes_up_for_the_one_before",
        "test_04_training::test_the_laws_hold_after_a_failed_training",
        "test_05_mlflow::test_the_next_run_closes_what_was_left_open_and_the_laws_hold",
        "test_06_at_once::test_the_laws_hold_after_runs_at_once",
        "test_06_waiting::test_an_approval_makes_a_champion_and_the_second_answer_is_refused",
        "test_07_disk::test_once_the_lake_can_be_written_again_the_next_run_makes_up_for_it_and_the_laws_hold",
    ),
}


def there_are() -> set[str]:
    """Every test of this folder."""
    found = set()
    for path in HERE.glob("test_*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.add(f"{path.stem}::{node.name}")
    parametrized = "test_02_bad_files::test_a_file"
    return found - {parametrized} | {f"{parametrized}[{case}]" for case in BAD}


@pytest.mark.timeout(60)
def test_every_line_has_its_test_and_every_test_its_line() -> None:
    named = {test for tests in LINES.values() for test in tests}
    of_the_night = {
        "test_02_bad_files::test_the_night_goes_on_and_says_what_it_refused",
        "test_00_every_line::test_every_line_has_its_test_and_every_test_its_line",
    }
    assert named | of_the_night == there_are()
