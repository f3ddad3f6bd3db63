"""The words both sides share. Standard library only; every value is checked when it is made."""

from spark_jobs.declare.delivery import Accident, Delivery, some_broken
from spark_jobs.declare.elsewhere import Elsewhere
from spark_jobs.declare.errors import (
    BadDeclaration,
    BadRequest,
    Conflict,
    NightshiftError,
    NotYet,
    Refused,
    Unreachable,
)
from spark_jobs.declare.job import EVERY_NIGHT, Job, Place, Retrain, Stage, is_bucket, parse
from spark_jobs.declare.learning import CONTENT, Bound, Gate, GroupBound, HashSplit, Search, TimeSplit
from spark_jobs.declare.pictures import Bars, Hours, Listed, Picture
from spark_jobs.declare.serving import Serving
from spark_jobs.declare.space import Choice, Parameters, Real, Space, Whole
from spark_jobs.declare.table import END_OF_TIME, RECORD, Check, Column, Kind, Mark, Often, RawTable
from spark_jobs.declare.tables import Publication, Reads, Report, Tables
from spark_jobs.declare.use_case import Features, Labels, UseCase
from spark_jobs.declare.wanted import Wanted, wanted, wanted_features
from spark_jobs.declare.window import Window, common, days_of, merged

__all__ = [
    "CONTENT",
    "END_OF_TIME",
    "EVERY_NIGHT",
    "RECORD",
    "Accident",
    "BadDeclaration",
    "BadRequest",
    "Bars",
    "Bound",
    "Check",
    "Choice",
    "Column",
    "Conflict",
    "Delivery",
    "Elsewhere",
    "Features",
    "Gate",
    "GroupBound",
    "HashSplit",
    "Hours",
    "Job",
    "Kind",
    "Labels",
    "Listed",
    "Mark",
    "NightshiftError",
    "NotYet",
    "Often",
    "Parameters",
    "Picture",
    "Place",
    "Publication",
    "RawTable",
    "Reads",
    "Real",
    "Refused",
    "Report",
    "Retrain",
    "Search",
    "Serving",
    "Space",
    "Stage",
    "Tables",
    "TimeSplit",
    "Unreachable",
    "UseCase",
    "Wanted",
    "Whole",
    "Window",
    "common",
    "days_of",
    "is_bucket",
    "merged",
    "parse",
    "some_broken",
    "wanted",
    "wanted_features",
]
