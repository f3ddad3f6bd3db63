# What a person types. Each target's words stand behind its name; `make help` prints them.

PYTHON ?= python3
LAPTOP := $(PYTHON) -m local
STACK := $(PYTHON) -m containers
WORKSPACE = $(AIRFLOW)/python -m workspace
AIRFLOW := .venv/airflow/bin
SPARK := .venv/spark/bin
export PYTHONPATH := .:plugins
# An authority of one's own is known to the machine, not to uv.
export UV_SYSTEM_CERTS ?= true
# What a person types (NAME=..., REASON="...") reaches programs through the environment, exactly as it was typed:
# neither make nor a shell reads it. So no line below may hold such a variable.
$(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(eval override $(name) := $$(value $(name)))$(eval export $(name))))
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help install deploy bundle databricks-up databricks-down databricks-check databricks-import databricks-proof databricks-alone databricks-nights run stop sql predict serve serve-key image publish airflow data stream-anew rollback release use-case stack stack-stop stack-remove stack-status stack-key stack-rotate stack-import backup restore stack-proof stack-nights check quick style types-of-airflow types-of-spark format test test-all campaign kills bench lock clean

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1|\2/p' Makefile | while IFS='|' read -r name says; do printf '%-24s %s\n' "$$name" "$$says"; done

install: ## both environments and Delta's JARs; done once
	@$(LAPTOP).install

run: ## install if needed, start everything, run a first range and a night, stay up until Ctrl-C (ONCE=1: end)
	@$(LAPTOP).run

stop: ## end what a killed `make run` left running
	@$(LAPTOP).stop

sql: install ## Spark SQL with every table of the lake by name (QUERY="SELECT ..." asks once)
	@$(SPARK)/python -m local.sql

predict: install ## MODEL=wine_quality FILE=wines.csv [OUT=scored.csv] [VERSION=3]: its rows with what the champion says of them
	@$(SPARK)/python -m local.predict

serve: install ## MODEL=census_income [VERSION=3] [SERVE_PORT=8200] [ANYBODY=yes]: its champion over HTTP; with ANYBODY=yes, to whoever asks
	@$(SPARK)/python -m local.serve

serve-key: install ## NAME=my_application: a key for a client of `make serve`, shown once
	@$(SPARK)/python -m local.serve_key

image: install ## MODEL=census_income [VERSION=3]: a container image with its champion in it, which asks no registry
	@$(SPARK)/python -m containers.image

publish: install ## MODEL=census_income TO=https://mlflow.example.org | databricks-uc:main.models [VERSION=3] [ALIASES=champion,production]: a version into another registry
	@$(SPARK)/python -m local.publish

airflow: install ## Airflow's own command line, with our settings: ARGS="dags list"
	@$(LAPTOP).airflow_cli

data: install ## USE_CASE=bike_sharing [FROM=folder or URL]: fetch the published data of a use case once
	@$(LAPTOP).data

stream-anew: install ## USE_CASE=iot_devices: forget how far its streams are, where one says it cannot go on
	@$(LAPTOP).stream_anew

rollback: ## MODEL=bike_sharing REASON="..." [VERSION=3]: the previous champion again; nights no longer promote
	@$(LAPTOP).rollback "roll back"

release: ## MODEL=bike_sharing REASON="...": nights may promote again
	@$(LAPTOP).rollback "release the hold"

stack: ## everything in containers: a Spark cluster, an object store, PostgreSQL (WORKERS=4: as many workers)
	@$(STACK).up

stack-stop: ## end the stack; data stay
	@$(STACK).stop

stack-remove: ## containers, networks and images go ([DATA=yes]: the data too)
	@$(STACK).stop --remove

stack-status: ## what of the stack is up, which version, since when, how full
	@$(STACK).status

stack-key: ## NAME=my_application: a key for a client of the stack's models, shown once
	@$(STACK).key

stack-rotate: ## new secrets for every part of the stack
	@$(STACK).moving rotate

stack-import: install ## what a laptop's NIGHTSHIFT_HOME holds, into the stack (REPLACE=yes: in the place of what is there)
	@$(STACK).moving import

backup: ## [TO=folder]: all the stack knows, while it works
	@$(STACK).moving backup

restore: ## FROM=folder: into an empty stack (REPLACE=yes: in the place of what is there)
	@$(STACK).moving restore

deploy: install ## this code as a wheel into the Databricks workspace that NIGHTSHIFT_CATALOG and _SCHEMA name
	@$(WORKSPACE).deploy

databricks-up: install ## make what that workspace needs ([PLAN=yes]: only show it; [PRINCIPAL=name]: and grant it to them; [WITH="cluster policy scope"]: these too)
	@$(WORKSPACE).up

databricks-down: install ## show what of it would go; REMOVE=yes: remove it; DROP=yes: tables and models of use cases too
	@$(WORKSPACE).down

databricks-check: install ## what it lacks, right by right ([PRINCIPAL=name]: of theirs)
	@$(WORKSPACE).check

bundle: install ## [TO=folder]: the nights as jobs that the workspace schedules itself, for Databricks' own command line
	@$(WORKSPACE).bundle

databricks-import: install ## models, predictions and raw files of a laptop that is up, or models of a stack ([FROM=its MLflow's URL] [LANDING=folder of raw files] [REPLACE=yes] [PRINCIPAL=who runs nights])
	@$(SPARK)/python -m workspace.bring

use-case: ## NAME=churn [KIND=tables]: a use case of your own that already runs; with KIND=tables one that learns nothing
	@$(LAPTOP).new_use_case

check: quick ## lint, types, import contracts and the fast tests: a few minutes
	@$(SPARK)/python -m pytest -q -n 2 --dist loadfile tests/use_cases

quick: install
	@$(MAKE) -j 2 types-of-airflow types-of-spark style
	@$(AIRFLOW)/python -m pytest -q -n 2 --dist worksteal tests/contract tests/dags

style:
	@$(AIRFLOW)/ruff check --quiet . && $(AIRFLOW)/ruff format --check --quiet . && $(AIRFLOW)/lint-imports
types-of-airflow:
	@$(AIRFLOW)/mypy --cache-dir=.mypy_cache/airflow plugins dags workspace tests/dags tests/contract tests/databricks/alone
types-of-spark:
	@$(SPARK)/mypy --cache-dir=.mypy_cache/spark spark_jobs serving engine local containers benchmarks tests/serving tests/spark tests/use_cases tests/end_to_end tests/campaign tests/stack tests/databricks/fake tests/databricks/models tests/databricks/nights

format: install ## what ruff can put right by itself
	@$(AIRFLOW)/ruff check --quiet --fix . ; $(AIRFLOW)/ruff format --quiet .

test: quick ## every test but the campaign, a night through the real scheduler included: about half an hour on 2 slow cores
	@$(SPARK)/python -m pytest -q -n 2 --dist loadfile tests/use_cases tests/spark tests/serving
	@$(SPARK)/python -m pytest -q tests/end_to_end

test-all: test campaign ## and the campaign of bad nights

campaign: install ## the long tests, and what bad things get: an hour on 2 slow cores ([ONE_OF=2] [SEED=7]: half, drawn)
	@$(SPARK)/python -m pytest -q -n 2 --dist worksteal -m long --durations=0 --durations-min=5 tests/spark tests/end_to_end
	@$(SPARK)/python -m pytest -v --durations=0 --durations-min=1 tests/campaign

stack-proof: install ## the stack's tests, on a Docker daemon; without its bad nights
	@$(SPARK)/python -m pytest -v -rA --durations=12 --timeout=1500 tests/stack

stack-nights: install ## the stack's bad nights and moves ([ONE_OF=3]: a third, drawn)
	@$(SPARK)/python -m pytest -v -rA --durations=12 --timeout=1500 -m long tests/stack

databricks-alone: install ## what surrounds a job on Databricks, and its models, against a fake workspace: about three minutes
	@$(AIRFLOW)/python -m pytest -q tests/databricks/alone
	@$(SPARK)/python -m pytest -q --durations=5 --timeout=600 tests/databricks/models

databricks-proof: install ## and, beside it, nights through Airflow, whose jobs that workspace really runs: some ten minutes
	@$(MAKE) -j 2 databricks-alone databricks-nights

databricks-nights: install
	@$(SPARK)/python -m pytest -v -rA --durations=12 --timeout=1500 tests/databricks/nights

kills: install ## KILLS=20 [SEED=7]: SIGKILL of one part after another while a night runs, about a minute each
	@KILLS="$${KILLS:-20}" $(SPARK)/python -m pytest -q -s tests/campaign/test_08_killed_parts.py

bench: install ## speed and memory, beside what is asked (BENCH="dags night": some; DATA=folder with hour.csv: how good)
	@$(SPARK)/python -m benchmarks

LOCK := uv pip compile pyproject.toml --universal --generate-hashes --python-version 3.11 --quiet

lock: ## after a change of a group in pyproject.toml: write the requirement files again
	@$(LOCK) --group test -o tests/requirements.txt
	@$(LOCK) --group airflow -c tests/requirements.txt -o requirements.txt
	@$(LOCK) --group spark -c tests/requirements.txt -o spark_jobs/requirements.txt
	@$(LOCK) --group serving -c spark_jobs/requirements.txt -o containers/requirements/serving.txt
	@$(LOCK) --group stack-airflow -c requirements.txt -o containers/requirements/airflow.txt
	@$(LOCK) --group stack-spark -c spark_jobs/requirements.txt -o containers/requirements/spark.txt
	@$(LOCK) --group stack-store -o containers/requirements/store.txt
	@$(LOCK) --group java -o local/requirements/java.txt
	@$(LOCK) --group uv -o local/requirements/uv.txt

clean: ## remove the environments and caches; what NIGHTSHIFT_HOME holds stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
