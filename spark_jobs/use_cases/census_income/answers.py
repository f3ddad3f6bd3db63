"""How answers go together in the published census, as numbers: measured there, and rounded."""

from collections.abc import Mapping
from dataclasses import dataclass

from spark_jobs.use_cases.census_income.use_case import UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Question:
    """Of each answer: its score for a person of whom all facts are 0, and what each of the facts adds, in order."""

    facts: tuple[str, ...]
    answers: Mapping[str, tuple[float, ...]]


EDUCATION = Question(
    facts=("decades", "squared", "youth", "latin", "asian", "man"),
    answers={
        "Preschool": (-3.72, 0.22, 0.03, 0.9, 3.03, 2.62, 0.0),
        "1st-4th": (-2.76, 0.37, 0.04, 0.69, 3.28, 1.03, 0.2),
        "5th-6th": (-2.04, 0.2, 0.06, 0.78, 3.14, 1.01, 0.3),
        "7th-8th": (-0.56, 0.32, 0.03, 0.9, 1.06, -0.48, 0.22),
        "9th": (-0.64, 0.06, 0.04, 1.18, 1.04, -0.51, 0.1),
        "10th": (-0.03, 0.11, 0.01, 2.01, -0.25, -0.97, 0.03),
        "11th": (0.11, 0.02, 0.0, 2.32, -0.27, -0.49, -0.1),
        "12th": (-0.85, -0.08, -0.03, 2.11, 0.12, -1.4, 0.02),
        "HS-grad": (2.94, -0.22, 0.03, 0.23, -0.97, -0.9, -0.15),
        "Some-college": (2.6, -0.29, 0.02, 0.74, -1.18, -0.62, -0.36),
        "Assoc-voc": (1.22, -0.36, 0.0, -0.77, -1.59, -0.98, -0.38),
        "Assoc-acdm": (1.04, -0.41, -0.03, -0.58, -1.28, -0.66, -0.5),
        "Bachelors": (2.33, -0.42, 0.05, -1.35, -1.68, 0.19, -0.12),
        "Masters": (1.42, 0.1, -0.11, -2.01, -1.67, 0.42, -0.22),
        "Prof-school": (-0.45, 0.01, -0.02, -4.5, -1.34, 0.72, 0.65),
        "Doctorate": (-0.62, 0.35, -0.09, -2.65, -1.44, 1.03, 0.31),
    },
)
MARITAL_STATUS = Question(
    facts=("decades", "squared", "youth", "man", "man's decades"),
    answers={
        "Married-civ-spouse": (1.38, -0.11, -0.04, -0.52, 2.18, 0.31),
        "Married-AF-spouse": (-3.92, -0.59, 0.21, -0.63, -0.38, -0.32),
        "Married-spouse-absent": (-0.8, -0.05, -0.02, 0.3, 0.19, 0.12),
        "Never-married": (1.39, -0.79, 0.21, 0.59, 0.35, -0.12),
        "Divorced": (1.95, 0.31, -0.18, -0.45, -0.25, -0.04),
        "Separated": (0.44, -0.05, -0.09, -0.04, -0.33, -0.07),
        "Widowed": (-0.45, 1.28, -0.09, 0.76, -1.75, 0.13),
    },
)
RELATIONSHIP = Question(  # of those who are nobody's husband or wife
    facts=("decades", "youth", "man", "never married", "absent", "latin"),
    answers={
        "Own-child": (-0.81, -0.39, 0.8, 0.33, 0.7, 0.11, -0.82),
        "Other-relative": (-1.72, 0.21, 0.69, 0.34, 0.4, 0.23, 1.18),
        "Unmarried": (1.37, -0.04, -1.02, -0.97, -1.28, -0.28, 0.22),
        "Not-in-family": (1.17, 0.22, -0.47, 0.3, 0.19, -0.06, -0.57),
    },
)
OCCUPATION = Question(
    facts=("decades", "youth", "man", "level", "level squared", "abroad"),
    answers={
        "Tech-support": (0.72, -0.08, -0.34, -0.63, 0.41, -0.047, -0.13),
        "Craft-repair": (0.19, -0.04, -0.74, 1.84, -0.22, -0.015, -0.1),
        "Other-service": (1.87, 0.04, 0.8, -1.15, -0.17, 0.003, 0.55),
        "Sales": (1.71, 0.15, 0.91, -0.43, 0.16, 0.018, -0.17),
        "Exec-managerial": (1.76, 0.22, -0.65, -0.37, 0.35, 0.024, -0.46),
        "Prof-specialty": (1.19, 0.11, 0.13, -0.96, 0.58, 0.073, -0.33),
        "Handlers-cleaners": (-0.64, -0.31, 0.29, 1.05, -0.33, -0.013, 0.12),
        "Machine-op-inspct": (0.88, -0.11, -0.49, -0.04, -0.35, -0.017, 0.39),
        "Adm-clerical": (2.67, 0.07, 0.34, -1.77, 0.14, -0.028, 0.13),
        "Farming-fishing": (-1.35, 0.21, 0.43, 1.66, -0.16, 0.015, 0.13),
        "Transport-moving": (-0.79, 0.03, -0.59, 1.82, -0.34, -0.024, -0.67),
        "Priv-house-serv": (-1.16, 0.4, 1.25, -3.97, -0.18, 0.021, 1.58),
        "Protective-serv": (-0.73, 0.01, -0.44, 0.94, 0.08, -0.015, -0.31),
        "Armed-Forces": (-6.31, -0.69, -0.9, 2.0, 0.03, 0.006, -0.72),
    },
)
HOURS = Question(
    facts=("decades", "squared", "youth", "man", "own boss", "level"),
    answers={
        "8": (-0.9, 0.37, 0.15, 1.66, -0.8, -0.14, -0.01),
        "15": (-0.67, 0.17, 0.15, 1.59, -0.97, -0.22, -0.05),
        "20": (-0.11, 0.0, 0.17, 1.09, -0.81, -0.2, -0.04),
        "25": (-0.18, -0.07, 0.15, 0.74, -0.86, -0.23, -0.07),
        "30": (0.38, -0.08, 0.1, 0.52, -0.69, -0.03, -0.07),
        "35": (0.91, -0.08, 0.04, -0.01, -0.84, -0.15, -0.06),
        "40": (2.96, -0.04, -0.06, -0.42, 0.05, -1.02, -0.06),
        "45": (0.76, -0.03, -0.15, -0.76, 0.54, -0.57, 0.06),
        "50": (0.81, -0.04, -0.11, -0.85, 0.82, 0.06, 0.07),
        "55": (-0.65, -0.01, -0.12, -0.71, 0.91, -0.15, 0.1),
        "60": (-0.08, 0.0, -0.18, -0.69, 0.97, 0.65, 0.1),
        "70": (-1.48, -0.04, -0.08, -0.94, 0.86, 0.93, 0.02),
        "80": (-1.74, -0.13, -0.06, -1.21, 0.8, 1.05, 0.0),
    },
)
# Per mille, in the order of RACES: of all people, and of each race the men and those born in each country.
RACE, MAN = (854, 96, 32, 10, 8), (689, 502, 667, 617, 598)
COUNTRY: Mapping[str, tuple[float, ...]] = {
    "United-States": (934.1, 935.3, 305.4, 951.8, 509.9),
    "Outlying-US(Guam-USVI-etc)": (0.3, 2, 0, 0, 0),
    "Puerto-Rico": (3, 3, 1, 3.2, 83),
    "Canada": (4.3, 0, 1, 0, 4),
    "Mexico": (21.5, 1.3, 1, 25.7, 158.1),
    "Cuba": (3.3, 1, 0, 0, 7.9),
    "Jamaica": (0.2, 24.8, 0, 0, 4),
    "Haiti": (0, 14.2, 1, 0, 0),
    "Dominican-Republic": (1.4, 4, 1, 0, 71.1),
    "Trinadad&Tobago": (0, 5.3, 2.1, 0, 4),
    "El-Salvador": (3.7, 0.3, 0, 0, 15.8),
    "Guatemala": (2.2, 0, 0, 0, 15.8),
    "Honduras": (0.4, 0.3, 0, 0, 0),
    "Nicaragua": (1, 0.7, 0, 0, 15.8),
    "Columbia": (1.9, 0, 0, 3.2, 27.7),
    "Ecuador": (0.7, 0, 0, 0, 35.6),
    "Peru": (1.1, 0, 0, 0, 4),
    "England": (3, 2.6, 1, 0, 0),
    "Scotland": (0.4, 0, 0, 0, 0),
    "Ireland": (0.8, 0, 1, 0, 0),
    "France": (1, 0.3, 0, 0, 0),
    "Germany": (4.5, 2.6, 3.1, 3.2, 4),
    "Holand-Netherlands": (0.03, 0, 0, 0, 0),
    "Italy": (2.7, 0, 0, 0, 0),
    "Portugal": (1.3, 0, 1, 0, 0),
    "Greece": (1, 0, 1, 0, 0),
    "Poland": (2.2, 0, 1, 0, 0),
    "Hungary": (0.5, 0, 0, 0, 0),
    "Yugoslavia": (0.6, 0, 0, 0, 0),
    "Iran": (1.3, 0, 6.3, 0, 7.9),
    "India": (0.3, 0.7, 88.9, 0, 19.8),
    "Thailand": (0.1, 0, 16.7, 0, 0),
    "Laos": (0, 0, 18.8, 0, 0),
    "Cambodia": (0, 0.3, 18.8, 0, 0),
    "Vietnam": (0.1, 0, 68, 0, 0),
    "China": (0.1, 0, 76.4, 0, 0),
    "Hong": (0.1, 0, 17.8, 3.2, 0),
    "Taiwan": (0.1, 0, 50.2, 0, 4),
    "Japan": (0.7, 1, 39.7, 0, 7.9),
    "Philippines": (0.3, 0.3, 196.7, 3.2, 0),
    "South": (0, 0, 80.5, 6.4, 0),
}
LATIN = (
    *("Mexico", "Puerto-Rico", "Cuba", "Jamaica", "Haiti", "Dominican-Republic", "Trinadad&Tobago", "El-Salvador"),
    *("Guatemala", "Honduras", "Nicaragua", "Columbia", "Ecuador", "Peru"),
)
ASIAN = (
    *("Iran", "India", "Thailand", "Laos", "Cambodia", "Vietnam", "China", "Hong", "Taiwan", "Japan"),
    *("Philippines", "South"),
)
PAIRED = (0.99, 0.937)  # of the men and the women whose spouse lives with them: husbands and wives
# Per mille of an occupation, in the order of WORKCLASSES without those who never worked.
WORKCLASS: Mapping[str, tuple[int, ...]] = {
    "Tech-support": (793, 28, 3, 73, 41, 61, 0),
    "Craft-repair": (779, 130, 26, 16, 36, 14, 0),
    "Other-service": (832, 53, 8, 11, 59, 38, 0),
    "Sales": (806, 105, 80, 4, 2, 3, 0),
    "Exec-managerial": (662, 96, 98, 44, 53, 46, 0),
    "Prof-specialty": (559, 90, 39, 42, 170, 100, 0),
    "Handlers-cleaners": (929, 11, 1, 17, 34, 7, 1),
    "Machine-op-inspct": (956, 18, 6, 7, 6, 6, 0),
    "Adm-clerical": (751, 13, 8, 84, 75, 67, 1),
    "Farming-fishing": (458, 433, 51, 8, 29, 15, 6),
    "Transport-moving": (793, 76, 17, 16, 72, 26, 1),
    "Priv-house-serv": (1000, 0, 0, 0, 0, 0, 0),
    "Protective-serv": (293, 9, 8, 43, 468, 179, 0),
    "Armed-Forces": (0, 0, 0, 1000, 0, 0, 0),
}

ODD_HOURS = 0.3  # of those who do not work 40 hours: some more or less than the round number
# As parts of all whose answers are not complete: those whose work is unknown, by age, and whose country is.
SILENT, SILENT_YOUNG_AND_OLD, FROM_NOWHERE = 0.43, (2.0, 3.2), 0.25
WEIGHT_SHAPE, WEIGHT_SCALE = 3.23, 58_700  # of a gamma distribution: for how many people one stands

# Log odds of more than 50,000: of a person of whom all facts are 0, and what each adds.
INCOME = -3.5
INCOME_BY: Mapping[str, float] = {
    **{"decades": 0.51, "squared": -0.18, "youth": -1.27, "level": 0.3, "more hours": 0.31},
    **{"man": 0.84, "spouse": 1.83, "wife": 1.37, "white": 0.6, "latin": -0.5, "asian": 0.3},
}
INCOME_BY_OCCUPATION: Mapping[str, float] = {
    **{"Exec-managerial": 0.82, "Tech-support": 0.62, "Prof-specialty": 0.61, "Protective-serv": 0.61, "Sales": 0.34},
    **{"Craft-repair": 0.05, "Adm-clerical": 0.02, "Transport-moving": -0.14, "Armed-Forces": -0.29},
    **{"Machine-op-inspct": -0.31, "Handlers-cleaners": -0.64, "Other-service": -0.85, "Farming-fishing": -0.88},
    **{"Priv-house-serv": -1.63, UNKNOWN: -0.37},
}
INCOME_BY_WORKCLASS: Mapping[str, float] = {
    **{"Federal-gov": 0.35, "Self-emp-inc": 0.21, "Private": -0.03, "Local-gov": -0.28, "State-gov": -0.44},
    **{"Self-emp-not-inc": -0.48, "Without-pay": -0.99, UNKNOWN: 0.0},
}

# By income: how many have a gain, or else a loss, and which ones: the commonest, and how often of a thousand.
GAINERS, LOSERS = (0.042, 0.214), (0.031, 0.125)
GAINS: tuple[Mapping[int, int], ...] = (
    {
        **{5013: 67, 3325: 51, 2174: 46, 4064: 41, 4650: 40, 3137: 36, 594: 33, 3908: 31, 2829: 30, 6849: 26},
        **{1055: 24, 3411: 23, 2885: 23, 2176: 22, 3464: 22, 4101: 19, 2597: 19, 2407: 18, 4865: 16, 2202: 15},
    },
    {
        **{15024: 207, 7688: 169, 7298: 147, 99999: 95, 5178: 58, 3103: 54, 4386: 35, 8614: 33, 10520: 26},
        **{14084: 24, 20051: 22, 27828: 20, 13550: 16, 14344: 16, 4787: 14, 9386: 13, 10605: 7, 25236: 7},
    },
)
LOSSES: tuple[Mapping[int, int], ...] = (
    {
        **{1602: 63, 1740: 56, 1590: 54, 1876: 52, 1672: 46, 1741: 32, 1669: 32, 2001: 32, 1980: 31, 1719: 29},
        **{2051: 28, 2002: 28, 1408: 28, 1579: 27, 1485: 27, 1721: 24, 1974: 24, 1504: 24, 2339: 23, 1628: 20},
    },
    {
        **{1902: 245, 1977: 217, 1887: 206, 1848: 66, 2415: 63, 1485: 40, 1564: 32, 2258: 17, 2444: 16},
        **{2559: 16, 2377: 14, 2824: 13, 2392: 12, 2174: 9, 2246: 8, 1825: 5, 2547: 5, 2231: 4, 653: 3},
    },
)
