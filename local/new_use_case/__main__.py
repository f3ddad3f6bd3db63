"""`make use-case NAME=churn [KIND=tables]`: a folder and a Dag that run as they are, to be made one's own."""

import os
import re
import sys
from pathlib import Path

HERE, CHECKOUT = Path(__file__).parent, Path(__file__).parents[2]
KINDS = {  # folders here, and what is in them
    "model": ("use_case.py", "source.py", "features.py", "model.py", "README.md"),
    "tables": ("use_case.py", "source.py", "reports.py", "README.md"),
}
DAG = '''"""The airflow dag of {name}; all of it is declared in spark_jobs/use_cases/{name}."""

from nightshift.pipeline import dag_of
from spark_jobs.use_cases import load

dag = dag_of(load("{name}"))
'''


def write(name: str, checkout: Path, kind: str = "model") -> list[Path]:
    """All files of a new use case; refuses a name that is taken or cannot be one."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,49}", name):
        raise SystemExit(f"NAME={name!r}: use lower-case letters, digits and _, from 2 to 50, a letter first")
    if kind not in KINDS:
        raise SystemExit(f"KIND={kind!r}: is one of {', '.join(KINDS)}")
    folder, dag = checkout / "spark_jobs" / "use_cases" / name, checkout / "dags" / f"{name}.py"
    if folder.exists() or dag.exists():
        raise SystemExit(f"NAME={name}: {folder if folder.exists() else dag} is there already; nothing was written")
    texts = {
        folder / part: (HERE / kind / part).read_text().replace("NAME=NAME", f"NAME={name}") for part in KINDS[kind]
    }
    texts = {path: re.sub(r"\bNAME\b(?!=)", name, text) for path, text in texts.items()}
    texts |= {folder / "__init__.py": f'"""The use case {name}."""\n', dag: DAG.format(name=name)}
    folder.mkdir(parents=True)
    for path, text in texts.items():
        path.write_text(text)
    return sorted(texts)


if __name__ == "__main__":
    made = write(os.environ.get("NAME", ""), CHECKOUT, os.environ.get("KIND") or "model")
    listing = "\n".join(f"  {path.relative_to(CHECKOUT)}" for path in made)
    sys.stdout.write(f"Made\n{listing}\nStart with the README there.\n")
