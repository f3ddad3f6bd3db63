"""MLflow's tables, and its users: an admin, the one that Dags and jobs are, and the one that asks for champions."""

import configparser
from typing import Any

import sqlalchemy
from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore  # noqa: TID253 - a program of its own
from mlflow.store.db.utils import _initialize_tables, _upgrade_db  # noqa: TID253 - as above

from containers.places import SECRETS, secret, url

# MLflow's own functions have no types.
initialize: Any = _initialize_tables
upgrade: Any = _upgrade_db
Users: Any = SqlAlchemyStore


def main() -> None:
    database = url("mlflow")
    engine = sqlalchemy.create_engine(database)
    if sqlalchemy.inspect(engine).has_table("experiments"):
        upgrade(engine)
    else:
        initialize(engine)
    store = Users()
    store.init_db(database)
    if not store.has_user("admin"):
        store.create_user("admin", secret("mlflow-admin"), is_admin=True)
    user(store, "mlflow-serving")  # reads, as everybody may
    jobs = user(store, "mlflow-jobs")
    for kind in ("experiment", "registered_model"):  # also what a laptop or a backup brought, and what is not there yet
        store.grant_user_permission(jobs, kind, "*", "MANAGE")


def user(store: Any, file: str) -> str:
    """Its name, as a secret has it beside the password."""
    found = configparser.ConfigParser()
    found.read(SECRETS / file)
    name, password = found["mlflow"]["mlflow_tracking_username"], found["mlflow"]["mlflow_tracking_password"]
    if store.has_user(name):
        store.update_user(name, password)
    else:
        store.create_user(name, password)
    return name


if __name__ == "__main__":
    main()
