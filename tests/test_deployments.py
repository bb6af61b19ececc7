"""What operators copy must say what the code says: names, settings, commands, defaults."""

import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml
from prefect.cli.deploy._models import (
    ConcurrencyLimitSpec,
    DeploymentConfig,
    PrefectYamlModel,
    RawScheduleConfig,
    WorkPoolConfig,
)
from prefect.client.schemas.schedules import CronSchedule
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.settings import Settings as PrefectSettings
from prefect.settings.legacy import _get_valid_setting_names

from flaremon.cli import app, commands
from flaremon.config import Settings, describe, example_environment
from flows.pool import DEPLOYMENT
from flows.server_settings import SERVER_SETTINGS
from flows.surroundings import LOGGERS

FOLDER = Path(__file__).resolve().parent.parent / "deployments"
OURS = {row.variable for row in describe(Settings.model_construct())}
PREFECTS = _get_valid_setting_names(PrefectSettings) | {"DO_NOT_TRACK"}
assert commands  # importing it registers them
COMMANDS = set(typer.main.get_command(app).commands)


def load(name):
    return yaml.safe_load((FOLDER / name).read_text())


def fields(model):
    return {field.alias or name for name, field in model.model_fields.items()}


def deployments():
    return load("prefect.yaml")["deployments"]


def deployment(name):
    (found,) = [item for item in deployments() if item["name"] == name]
    return found


def variables(text):
    return dict(
        line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#")
    )


def test_prefect_yaml_has_no_key_that_prefect_would_ignore():
    document = load("prefect.yaml")
    assert set(document) <= fields(PrefectYamlModel)
    for deployment in document["deployments"]:
        assert set(deployment) <= fields(DeploymentConfig)
        assert set(deployment["work_pool"]) <= fields(WorkPoolConfig)
        assert set(deployment.get("concurrency_limit", ())) <= fields(ConcurrencyLimitSpec)
        for schedule in deployment["schedules"]:
            assert set(schedule) <= fields(RawScheduleConfig)


def test_prefect_yaml_names_a_flow_and_parameters_that_it_takes():
    for deployment in deployments():
        flow = load_flow_from_entrypoint(deployment["entrypoint"], use_placeholder_flow=False)
        assert isinstance(flow, Flow)
        taken = flow.validate_parameters(deployment["parameters"])
        assert taken | deployment["parameters"] == taken


def test_the_monitor_is_deployed_every_12_minutes_in_utc_and_never_twice_at_once():
    monitor = deployment("monitor")
    (schedule,) = monitor["schedules"]
    assert CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"]).timezone == "UTC"
    start, stop, step = map(int, re.match(r"(\d+)-(\d+)/(\d+) ", schedule["cron"]).groups())
    assert (step, (stop - start) // step + 1) == (12, 5)
    assert monitor["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    environment = monitor["work_pool"]["job_variables"]["env"]
    assert environment == {"PREFECT_LOGGING_EXTRA_LOGGERS": LOGGERS}


def test_the_truth_is_fetched_every_10_minutes_in_utc_and_never_twice_at_once():
    truth = deployment("truth")
    (schedule,) = truth["schedules"]
    assert CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"]).timezone == "UTC"
    start, stop, step = map(int, re.match(r"(\d+)-(\d+)/(\d+) ", schedule["cron"]).groups())
    assert (step, (stop - start) // step + 1) == (10, 6)
    assert truth["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    assert truth["work_pool"] == deployment("monitor")["work_pool"]


def test_days_of_a_backfill_wait_in_a_queue_of_their_own_and_never_before_the_live_job():
    days = deployment("days")
    assert (days["schedules"], days["entrypoint"]) == ([], "flows.backfill.backfill")
    assert f"backfill/{days['name']}" == DEPLOYMENT
    live = {deployment(name)["work_pool"]["work_queue_name"] for name in ("monitor", "truth")}
    assert days["work_pool"]["work_queue_name"] == "backfill"
    assert live == {"default"}
    workers = load("compose.yaml")["services"]
    assert {"--work-queue=backfill", "--limit=1"} <= set(workers["backfill"]["command"])
    # One cache folder, one lane: that is how the live job goes first.
    assert workers["backfill"]["volumes"] == workers["worker"]["volumes"]


def test_the_example_of_settings_is_the_generated_one():
    assert (FOLDER / "example.env").read_text() == example_environment()
    assert re.findall(r"^#(FLAREMON_\w+)=", example_environment(), flags=re.MULTILINE) == [
        row.variable for row in describe(Settings.model_construct())
    ]


def test_the_settings_of_a_server_of_ones_own_are_those_of_the_private_one():
    assert variables((FOLDER / "prefect-server.env").read_text()) == dict(SERVER_SETTINGS)


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_variables_commands_and_files_that_are_named_exist(path):
    text = path.read_text()
    named = set(re.findall(r"\b(?:FLAREMON|PREFECT)_[A-Z0-9_]+\b|\bDO_NOT_TRACK\b", text))
    assert named <= OURS | PREFECTS
    for file in re.findall(r"\bdeployments/([\w.-]+\w)", text):
        assert file == ".env" or (FOLDER / file).exists(), file
    code = re.sub(r"^ *#.*", "", text, flags=re.MULTILINE)
    if path.suffix == ".md":
        fenced = re.findall(r"```(?:sh)?\n(.*?)```", text, flags=re.DOTALL)
        code = "\n".join([*fenced, *re.findall(r"`([^`\n]+)`", text)])
    commands = re.findall(
        r"(?:^|bin/|CMD )flaremon ([a-z]+)\b|\"flaremon\", \"([a-z]+)\"", code, flags=re.MULTILINE
    )
    assert {a or b for a, b in commands} <= COMMANDS


def test_compose_uses_library_images_loopback_and_no_password_of_its_own():
    services = load("compose.yaml")["services"]
    for name, service in services.items():
        image = service["image"]
        assert "/" not in image, f"{name}: {image} is not a library image"
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), f"{name} listens beyond this machine"
        for other in service.get("depends_on", {}):
            assert other in services
    text = (FOLDER / "compose.yaml").read_text()
    assert text.count("POSTGRES_PASSWORD:?") == 2
    volumes = {
        mount.split(":")[0] for service in services.values() for mount in service.get("volumes", ())
    }
    assert volumes == set(load("compose.yaml")["volumes"])


def test_compose_runs_what_prefect_yaml_deploys():
    services = load("compose.yaml")["services"]
    pool = deployments()[0]["work_pool"]["name"]
    assert shlex.join(services["worker"]["command"]).startswith(
        f"prefect worker start --pool {pool} --work-queue default --type process"
    )
    assert f"work-pool create {pool} --type process" in services["deploy"]["command"][-1]
    assert services["upgrade"]["command"] == ["flaremon", "db", "upgrade"]


def test_the_image_runs_as_nobody_special_and_is_healthy_while_answers_are_fresh():
    lines = (FOLDER / "Dockerfile").read_text()
    assert re.search(r"^FROM python:3\.\d+-slim$", lines, flags=re.MULTILINE)
    assert re.search(r"^USER (?!root)\w+$", lines, flags=re.MULTILINE)
    assert "CMD flaremon status >/dev/null 2>&1; [ $? -le 1 ]" in lines
    root = FOLDER.parent
    for source in re.findall(r"^COPY (.+) \S+$", lines, flags=re.MULTILINE):
        for path in source.split():
            assert (root / path).exists(), path


def test_the_unit_stops_by_draining():
    unit = (FOLDER / "flaremon-monitor.service").read_text()
    assert "KillMode=mixed" in unit
    assert re.search(r"^ExecStart=\S+/flaremon monitor --every 12m$", unit, flags=re.MULTILINE)
    (stop_min,) = re.findall(r"^TimeoutStopSec=(\d+)min$", unit, flags=re.MULTILINE)
    budget_s = deployment("monitor")["parameters"]["time_budget_s"]
    assert int(stop_min) * 60 > budget_s + 300  # the budget, and a download that has begun


def test_the_runbook_explains_every_exit_code_and_file():
    text = (FOLDER / "README.md").read_text()
    for code in range(4):
        assert re.search(rf"^\| {code} \|", text, flags=re.MULTILINE)
    for path in FOLDER.iterdir():
        if path.name not in {"README.md", "Dockerfile.dockerignore", ".env"}:
            assert path.name in text, path.name
