"""The one way to Docker: where the stack's files are, and compose of either generation with what it has to know."""

import os
import shutil
import subprocess
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from containers import settings
from local.commands import CannotGoOn
from local.home import PORTS, number

CHECKOUT = Path(__file__).resolve().parents[1]
NO_DOCKER = (
    "The stack needs Docker with compose, and a daemon that answers: on Debian or Ubuntu "
    "`sudo apt-get install docker.io docker-compose`, elsewhere Docker Desktop. It said: {words}"
)
SOMEBODY = 10001  # who the stack is where root starts it: nothing runs as root inside


@dataclass(frozen=True, kw_only=True)
class Stack:
    """One stack of this machine, by its name."""

    name: str = "nightshift"
    folder: Path = CHECKOUT / ".stack"
    address: str = "127.0.0.1"
    ports: dict[str, int] = field(default_factory=lambda: dict(settings.PORTS))
    workers: int = 2
    base: str = ""  # another image than the Dockerfiles begin with
    said: dict[str, str] = field(default_factory=dict)  # by a person, today or before

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    @property
    def serving(self) -> Path:
        """Whose keys open the models."""
        return self.folder / "serving"

    @property
    def settings(self) -> Path:
        return self.folder / "settings"

    @property
    def version(self) -> str:
        project: dict[str, Any] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
        return str(project["project"]["version"])

    @property
    def owner(self) -> str:
        """Its files are this person's; root's belong to somebody who may nothing else."""
        return f"{os.getuid() or SOMEBODY}:{os.getgid() if os.getuid() else SOMEBODY}"

    def give(self, folder: Path) -> None:
        """To whom containers are, where that is not who types."""
        if os.getuid() == 0:
            for place in (folder, *folder.iterdir()):
                os.chown(place, SOMEBODY, SOMEBODY)

    def image(self, side: str) -> str:
        return f"nightshift-{side}:{self.version}"

    def environment(self) -> dict[str, str]:
        told = {name: str(port) for name, port in self.ports.items()}
        known = {name: value for name, value in os.environ.items() if value or name not in settings.NAMES} | self.said
        seen = {"AIRFLOW_BASE_URL": "AIRFLOW_PORT", "MLFLOW_BASE_URL": "MLFLOW_PORT"}
        told |= {name: f"http://localhost:{self.ports[port]}" for name, port in seen.items() if name not in known}
        return (
            known
            | told
            | {
                "COMPOSE_PROJECT_NAME": self.name,
                "NIGHTSHIFT_VERSION": self.version,
                "NIGHTSHIFT_USER": self.owner,
                "STACK_ADDRESS": self.address,
                "STACK_SECRETS": str(self.secrets),
                "STACK_SERVING": str(self.serving),
            }
        )

    def compose(self, *words: str) -> str:
        return self._run([*_compose(), *words])

    def docker(self, *words: str) -> str:
        return self._run(["docker", *words])

    def _run(self, command: Sequence[str]) -> str:
        done = subprocess.run(
            command, cwd=CHECKOUT, env=self.environment(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise CannotGoOn(f"`{' '.join(command[:4])} ...` failed:\n{(done.stderr + done.stdout)[-4000:]}")
        return done.stdout

    def containers(self) -> dict[str, str]:
        """Each container that is or was up, and its state: healthy, starting, running, exited (0)."""
        return dict(_state(*words) for words in self.listed("Names", "State", "Status"))

    def is_up(self) -> bool:
        return any(not state.startswith(("created", "Exited")) for state in self.containers().values())

    def listed(self, *columns: str) -> list[list[str]]:
        """What Docker says of each container that is or was up."""
        shown = "\t".join(f"{{{{.{column}}}}}" for column in columns)
        listed = self.docker("ps", "-a", "--filter", f"label=com.docker.compose.project={self.name}", "--format", shown)
        return [line.split("\t") for line in listed.splitlines()]


def _state(name: str, state: str, status: str) -> tuple[str, str]:
    for sign in ("unhealthy", "healthy", "starting"):
        if f"({sign}" in status or f"health: {sign}" in status:
            return name, sign
    return name, " ".join(status.split()[:2]) if state == "exited" else state


def from_environment() -> Stack:
    usual = Stack()
    folder = Path(os.environ.get("STACK_FOLDER") or usual.folder).resolve()
    said = settings.said(folder / usual.settings.name)
    return Stack(
        name=said.get("STACK_NAME", usual.name),
        folder=folder,
        address=said.get("STACK_ADDRESS", usual.address),
        ports={name: number(said, name, port, PORTS) for name, port in usual.ports.items()},
        workers=number(said, "WORKERS", usual.workers, range(1, 1001)),
        base=said.get("STACK_BASE", ""),
        said=said,
    )


def check_docker() -> None:
    if not shutil.which("docker"):
        raise CannotGoOn(NO_DOCKER.format(words="there is no program `docker`"))
    said = subprocess.run(["docker", "version"], capture_output=True, text=True, check=False)
    if said.returncode:
        raise CannotGoOn(NO_DOCKER.format(words=said.stderr.strip()))
    _compose()


@cache
def _compose() -> list[str]:
    """Compose is a part of docker by now, and was a program of its own."""
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0:
        return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    raise CannotGoOn(NO_DOCKER.format(words="there is neither `docker compose` nor `docker-compose`"))
