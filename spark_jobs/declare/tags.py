"""Names of the MLflow tags and aliases both sides read. A value is text or JSON."""

CHAMPION, CHALLENGER = "champion", "challenger"

# On runs.
RUN_KEY = "nightshift.run_key"  # of a Dag run's one parent run
WINDOW = "nightshift.window"
SOURCE = "nightshift.source"  # also on versions: models of simulated data say so
CODE = "nightshift.code"
DELTA = "nightshift.delta."  # + stage.layer/table: the version of the table it read
STAGE = "nightshift.stage"  # of a nested run: the stage that made it, or "trial"
SAME = "nightshift.same"  # of a training: features with one value in all its rows, joined by commas
ERROR = "nightshift.error"  # why it failed, in one line
CANDIDATE = "nightshift.candidate"  # also on versions
GIVEN_UP = "nightshift.given_up"  # a trial that fell behind: after how many folds
TRIAL = "nightshift.trial"  # JSON: all that a resumed search needs to know of it

# On model versions.
FEATURES = "nightshift.features"  # the columns it reads, joined by commas
KIND = "nightshift.kind"
FITTED = "nightshift.fitted"  # JSON: which rows fitted it
TUNED = "nightshift.tuned"  # JSON: which rows chose it
INPUTS = "nightshift.inputs"  # JSON: Delta versions of the tables it was trained from
ROWS = "nightshift.rows"  # on trainings and profiles: hash of the rows they are of
DUE = "nightshift.due"  # hash of code, parameters and rows it was trained from
CONSTANTS = "nightshift.constants"  # JSON: thresholds and the like, chosen on validation
FILES = "nightshift.files"  # a hash of the files that its kind reads, and of their names
VERDICT = "nightshift.verdict"  # PROMOTE or REJECT
REASONS = "nightshift.reasons"  # of the verdict, in words
JUDGED = "nightshift.judged"  # JSON: which rows judged it
WITHDRAWN = "nightshift.withdrawn"  # JSON: since, by, why

IMPORTED = "nightshift.imported"  # the run that made it where it was brought from; also on runs
PUBLISHED = "nightshift.published"  # JSON: registry, model, version, run and files it was published from; also on runs
APPROVAL = "nightshift.approval"  # JSON: asked, until, run; once it is over: outcome, by, at, why. On runs: in words

# On registered models.
WAITING = "nightshift.waiting"  # JSON: the version that passed the gate and that a person has not answered yet
HOLD = "nightshift.hold"  # JSON: since, by, why; while it stands nothing is promoted by itself
HISTORY = "nightshift.history."  # + four digits. JSON: at, by, why, what, from, to
