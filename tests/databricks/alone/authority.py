"""Made while this is imported: clients read once, when they are imported themselves, whom they believe."""

from pathlib import Path
from tempfile import mkdtemp

from tests.databricks.fake.authority import authority

AUTHORITY = authority(Path(mkdtemp(prefix="nightshift-authority-")))
