"""One number for the files of a model, their names included: the same files have the same, and no others."""

from hashlib import sha256
from pathlib import Path

DATA = "data"  # below it lies what a kind reads; the rest of a model's folder is for others


def digest(folder: Path) -> str:
    """Of what is below `data`; of a model that keeps nothing there, nothing."""
    root = folder / DATA
    if not root.is_dir():
        return ""
    whole = sha256()
    for path in sorted(one for one in root.rglob("*") if one.is_file()):
        own = sha256(path.read_bytes()).hexdigest()
        whole.update(f"{path.relative_to(root).as_posix()} {own}\n".encode())
    return whole.hexdigest()
