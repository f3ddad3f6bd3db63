"""Airflow's configuration file for a laptop. It holds keys, so only its owner may read it."""

import base64
import configparser
import json
import os
import secrets
from pathlib import Path

from local import postgres
from local.home import USER, Home
from local.places import CHECKOUT

Sections = dict[str, dict[str, str]]

SCHEDULER = {
    # A worker that was killed is noticed after a minute, not five.
    "task_instance_heartbeat_timeout": "60",
    "orphaned_tasks_check_interval": "30",
    # A night is eleven tasks in a row, and each waits for the scheduler to look: a second by default.
    "scheduler_idle_sleep_time": "0.25",
}


def write(home: Home) -> None:
    """Keys and password are made once; all else is written anew, for ports may have changed."""
    home.airflow.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = home.airflow / "airflow.cfg"
    config = configparser.ConfigParser(interpolation=None)
    config.read_dict(_settings(home))
    config.read_dict(_keys(file))
    with _private(file).open("w", encoding="utf-8") as opened:
        config.write(opened)
    if not home.passwords.exists():
        _private(home.passwords).write_text(json.dumps({USER: secrets.token_urlsafe(12)}), encoding="utf-8")


def password(home: Home) -> str:
    text: str = json.loads(home.passwords.read_text(encoding="utf-8"))[USER]
    return text


def _settings(home: Home) -> Sections:
    return {
        "core": {
            "dags_folder": str(CHECKOUT / "dags"),
            "plugins_folder": str(CHECKOUT / "plugins"),
            "load_examples": "False",
            "executor": "LocalExecutor",
            "parallelism": "4",
            "execution_api_server_url": f"{home.airflow_url}/execution/",
            "simple_auth_manager_users": f"{USER}:admin",
            "simple_auth_manager_passwords_file": str(home.passwords),
            "hostname_callable": "socket.gethostname",  # the default asks the network
        },
        "database": {"sql_alchemy_conn": postgres.url(home, "airflow")},
        "api": {"host": "127.0.0.1", "port": str(home.airflow_port), "base_url": home.airflow_url},
        "dag_processor": {"refresh_interval": "10", "min_file_process_interval": "30"},
        "scheduler": SCHEDULER,
        # Spark may take all cores for a while: a slow answer is no reason to end a task.
        "workers": {"execution_api_timeout": "30", "max_failed_heartbeats": "8"},
        "logging": {"base_log_folder": str(home.airflow / "logs"), "colored_console_log": "False"},
    }


def _keys(file: Path) -> Sections:
    """Those of an earlier start, or new ones."""
    earlier = configparser.ConfigParser(interpolation=None)
    earlier.read(file, encoding="utf-8")
    fresh = {
        ("core", "fernet_key"): base64.urlsafe_b64encode(os.urandom(32)).decode(),
        ("api", "secret_key"): secrets.token_urlsafe(32),
        ("api_auth", "jwt_secret"): secrets.token_urlsafe(64),
    }
    keys: Sections = {}
    for (section, name), new in fresh.items():
        keys.setdefault(section, {})[name] = earlier.get(section, name, fallback=new)
    return keys


def _private(file: Path) -> Path:
    file.touch(mode=0o600)
    file.chmod(0o600)
    return file
