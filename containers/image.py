"""`make image`: the service with one version of a model in it, for any machine. In the Spark environment."""

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from containers.compose import Stack, check_docker, from_environment
from containers.up import build_one, trust
from local.at_hand import registry_of
from local.commands import step, tell
from local.home import Home
from local.home import from_environment as laptop
from local.typed import model_of
from serving.champion import Champion
from serving.keeping import Kept
from serving.version import About
from spark_jobs.declare import BadRequest, NightshiftError, Place, Refused

LIKE_THIS = "make image MODEL=census_income"
WITH_MODEL = "containers/serving/with_model.Dockerfile"


def main(home: Home, stack: Stack, typed: Mapping[str, str]) -> None:
    model, version = model_of(typed, like=LIKE_THIS), typed.get("VERSION", "")
    if version and not (version.isascii() and version.isdigit()):
        raise BadRequest("VERSION", f"is the number of a version, got {version!r}. Like this: {LIKE_THIS} VERSION=3")
    check_docker()
    with tempfile.TemporaryDirectory(prefix="nightshift-") as folder:
        with registry_of(home) as registry, step(f"Fetching {model}"):
            about = packed(Path(folder), model, version, registry)
        with step("Building the image of what answers"):
            trust(stack)
            build_one(stack, "serving", "containers/serving/Dockerfile")
        with step(f"Building the image of version {about.version}"):
            image = with_model(stack, Path(folder), about)
    tell(how(image, home))


def packed(folder: Path, model: str, version: str, registry: str) -> About:
    """Loaded as a service loads it: what could not answer, or has other files than were registered, is refused here."""
    place = Place(lake="", landing="", tracking=registry, registry=registry)
    kept = Kept(folder / "kept" / model)
    champion = Champion(model=model, place=place, kept=kept, version=version)
    champion.start()
    if champion.live is None or not kept.files(champion.live.about).is_dir():
        raise Refused(f"{model} could not be written to {folder}: free some space on that disk, then run again")
    kept.name_live(champion.live.about)
    for path in (folder / "kept", *(folder / "kept").rglob("*")):  # whoever a container is
        path.chmod(0o755 if path.is_dir() else 0o644)
    return champion.live.about


def with_model(stack: Stack, folder: Path, about: About) -> str:
    """Its name: the model, and the version as its tag."""
    image = f"{stack.name}-{about.model}:{about.version}"
    told = {"model": about.model, "version": about.version, "files": about.files, "serving": stack.version}
    labels = [f"--label=nightshift.{name}={value}" for name, value in told.items()]
    given = [f"--build-arg=SERVING={stack.image('serving')}", f"--build-arg=MODEL={about.model}"]
    stack.docker("build", "-q", "-f", WITH_MODEL, *given, *labels, "-t", image, str(folder))
    return image


def how(image: str, home: Home) -> str:
    return "\n".join(
        [
            "",
            f"  {image} answers with this version for ever, and asks no registry. For a key: make serve-key NAME=...",
            "",
            "  docker run --rm --read-only --cap-drop ALL --user $(id -u):$(id -g) \\",
            f"    -v {home.root / 'serving'}:/keys:ro -p 127.0.0.1:8200:8200 {image}",
            "",
        ]
    )


if __name__ == "__main__":
    try:
        main(laptop(), from_environment(), os.environ)
    except (NightshiftError, OSError) as error:
        sys.exit(f"\n{error}")
