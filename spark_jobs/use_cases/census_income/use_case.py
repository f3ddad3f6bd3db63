"""Census income: does this person earn more than 50,000 a year? Static: people have no date, they arrive."""

from datetime import timedelta

from spark_jobs.declare import (
    CONTENT,
    RECORD,
    Check,
    Choice,
    Column,
    Features,
    Gate,
    HashSplit,
    Kind,
    Labels,
    Publication,
    RawTable,
    Real,
    Search,
    Serving,
    Space,
    UseCase,
    Whole,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EVER = 36_500 * DAY  # nothing about a person of a census grows old
ASKED, EARNED = -HOUR, DAY  # people are asked before a file is sent; what they earn is known within a day after

UNKNOWN = "?"
INCOMES = ("<=50K", ">50K")
# Codes as published, their slips of the pen too: a model finds people by them.
EDUCATIONS = {
    "Preschool": 1,
    "1st-4th": 2,
    "5th-6th": 3,
    "7th-8th": 4,
    "9th": 5,
    "10th": 6,
    "11th": 7,
    "12th": 8,
    "HS-grad": 9,
    "Some-college": 10,
    "Assoc-voc": 11,
    "Assoc-acdm": 12,
    "Bachelors": 13,
    "Masters": 14,
    "Prof-school": 15,
    "Doctorate": 16,
}
LEVELS = " ".join(f"WHEN '{education}' THEN {level}" for education, level in EDUCATIONS.items())
WORKCLASSES = (
    *("Private", "Self-emp-not-inc", "Self-emp-inc", "Federal-gov", "Local-gov", "State-gov"),
    *("Without-pay", "Never-worked"),
)
MARITAL_STATUSES = (
    *("Married-civ-spouse", "Married-AF-spouse", "Married-spouse-absent"),
    *("Never-married", "Divorced", "Separated", "Widowed"),
)
OCCUPATIONS = (
    *("Tech-support", "Craft-repair", "Other-service", "Sales", "Exec-managerial", "Prof-specialty"),
    *("Handlers-cleaners", "Machine-op-inspct", "Adm-clerical", "Farming-fishing", "Transport-moving"),
    *("Priv-house-serv", "Protective-serv", "Armed-Forces"),
)
RELATIONSHIPS = ("Husband", "Wife", "Own-child", "Other-relative", "Unmarried", "Not-in-family")
RACES = ("White", "Black", "Asian-Pac-Islander", "Amer-Indian-Eskimo", "Other")
SEXES = ("Female", "Male")
COUNTRIES = (
    *("United-States", "Outlying-US(Guam-USVI-etc)", "Puerto-Rico", "Canada", "Mexico", "Cuba", "Jamaica", "Haiti"),
    *("Dominican-Republic", "Trinadad&Tobago", "El-Salvador", "Guatemala", "Honduras", "Nicaragua", "Columbia"),
    *("Ecuador", "Peru", "England", "Scotland", "Ireland", "France", "Germany", "Holand-Netherlands", "Italy"),
    *("Portugal", "Greece", "Poland", "Hungary", "Yugoslavia", "Iran", "India", "Thailand", "Laos", "Cambodia"),
    *("Vietnam", "China", "Hong", "Taiwan", "Japan", "Philippines", "South"),
)
CATEGORIES = (
    *("workclass", "education", "marital_status", "occupation", "relationship", "race", "sex", "native_country"),
)

# What a grid takes of a dimension stands in its points: of all of them together it would be too many.
BOOSTING: Space = {
    "max_depth": Whole(low=3, high=10, points=(4, 6, 8)),
    "eta": Real(low=0.02, high=0.3, log=True, points=(0.05, 0.1, 0.2)),
    "subsample": Real(low=0.5, high=1.0, points=(0.9,)),
    "colsample_bynode": Real(low=0.2, high=1.0, points=(0.5,)),
    "min_child_weight": Real(low=0.1, high=20, log=True, points=(3,)),
    "lambda": Real(low=0.05, high=10, log=True, points=(1,)),
}
FOREST: Space = {
    "max_features": Real(low=0.05, high=0.3, points=(0.1, 0.15, 0.2)),
    "min_samples_leaf": Whole(low=1, high=8, points=(2, 4)),
}
# The grid that is well known of these people.
BOOSTED_TREES: Space = {
    "maxDepth": Choice(options=(1, 5, 7)),
    "maxBins": Choice(options=(8, 16, 32)),
    "maxIter": Choice(options=(25, 50)),
    "stepSize": Choice(options=(0.15, 0.2, 0.3)),
}
ON_SPARK = ("logistic", "tree", "boosted_trees")

PEOPLE = RawTable(
    name="people",
    columns=(
        Column(name="age", kind=Kind.INTEGER, low=17, high=120),
        Column(name="workclass", kind=Kind.TEXT, codes=WORKCLASSES, required=False),
        Column(name="final_weight", header="fnlwgt", kind=Kind.INTEGER, low=1, high=10_000_000),
        Column(name="education", kind=Kind.TEXT, codes=tuple(EDUCATIONS)),
        Column(name="education_num", header="education-num", kind=Kind.INTEGER, low=1, high=16),
        Column(name="marital_status", header="marital-status", kind=Kind.TEXT, codes=MARITAL_STATUSES),
        Column(name="occupation", kind=Kind.TEXT, codes=OCCUPATIONS, required=False),
        Column(name="relationship", kind=Kind.TEXT, codes=RELATIONSHIPS),
        Column(name="race", kind=Kind.TEXT, codes=RACES),
        Column(name="sex", kind=Kind.TEXT, codes=SEXES),
        Column(name="capital_gain", header="capital-gain", kind=Kind.INTEGER, low=0, high=10_000_000),
        Column(name="capital_loss", header="capital-loss", kind=Kind.INTEGER, low=0, high=10_000_000),
        Column(name="hours_per_week", header="hours-per-week", kind=Kind.INTEGER, low=1, high=168),
        Column(name="native_country", header="native-country", kind=Kind.TEXT, codes=COUNTRIES, required=False),
        Column(name="income", kind=Kind.TEXT, codes=INCOMES, known_after=EARNED),
    ),
    key=RECORD,
    at_arrival=True,
    missing=(UNKNOWN,),
    checks=(
        Check(
            says="education and education_num are of one level",
            sql=f"education_num = CASE education {LEVELS} END",
        ),
        Check(
            says="a husband or a wife is married",
            sql="relationship NOT IN ('Husband', 'Wife') OR marital_status LIKE 'Married-%'",
        ),
    ),
    known_after=ASKED,
)

USE_CASE = UseCase(
    name="census_income",
    summary="Whether a person earns more than 50,000 a year",
    grain="one row per person",
    tables=(PEOPLE,),
    features=Features(
        key=("at", "person"),
        columns=PEOPLE.column_names[:-1],
        lookback=timedelta(),
        categories=CATEGORIES,
        protected=("race", "sex"),
        protected_costs="On the published people: an AUC of 0.9280 instead of 0.9283, accuracy 0.873 as with them.",
    ),
    labels=Labels(columns=("above_50k",), horizon=timedelta(), clock="people"),
    split=HashSplit(judge=0.25, validate=0.15, strata=("above_50k", "sex")),
    gate=Gate(metric="auc", better="higher", limit=0.90, margin=0.002, rows=300, block=CONTENT),
    search=Search(
        trials=24,
        folds=3,
        batch=8,
        spaces={"boosting": BOOSTING, "forest": FOREST, "boosted_trees": BOOSTED_TREES},
        on_request=ON_SPARK,
    ),
    needs_classic=ON_SPARK,
    history=EVER,
    predictions=("probability", "called_above_50k"),
    reasons=3,
    reasons_from="threshold",
    slices=("sex", "race"),
    serving=Serving(),
    profile=True,
    publication=Publication(
        url="https://archive.ics.uci.edu/static/public/2/adult.zip",
        files={"adult.data": "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d"},
        licence="CC BY 4.0, Becker and Kohavi 1996",
        remark="people of the United States who were asked in 1994; what they earn, and who earns it, was of that year",
    ),
    simulation={"seed": 1, "people": 300, "missing": 0.074, "repeated": 0.001, "broken": 0.002},
)
