"""Airflow's first user, and its pools."""

import os

from airflow.models.pool import Pool
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

from containers.places import secret

ADMIN = "admin"


def main() -> None:
    with get_application_builder() as builder:
        people = builder.sm
        if not people.find_user(username=ADMIN):
            role = people.find_role("Admin")
            people.add_user(ADMIN, ADMIN, ADMIN, f"{ADMIN}@localhost", role, password=secret("airflow-admin"))
    slots = int(os.environ["NIGHTSHIFT_SPARK_SLOTS"])
    pools = {
        "spark": (slots, "Jobs at once. They share one engine."),
        "registry": (1, "Who may change which model is live: one at a time."),
    }
    for name, (size, says) in pools.items():
        Pool.create_or_update_pool(name=name, slots=size, description=says, include_deferred=False)


if __name__ == "__main__":
    main()
