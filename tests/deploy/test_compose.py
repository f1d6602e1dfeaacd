"""Facts about docker-compose.yml, Dockerfile and .dockerignore that need no Docker engine to check."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from dashboard.app import create_app
from embedded.versions import KAFKA
from schemas.dashboard_settings import DashboardSettings
from schemas.settings import ProcessSettings
from schemas.settings_base import variable_name
from schemas.settings_reference import COMMANDS

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"

Service = dict[str, Any]
SERVICES: dict[str, Service] = yaml.safe_load(COMPOSE.read_text())["services"]
DOCKERFILE = [words for line in (ROOT / "Dockerfile").read_text().splitlines() if (words := line.split())]

ONE_SHOT = {
    dependency
    for service in SERVICES.values()
    for dependency, wait in service.get("depends_on", {}).items()
    if wait["condition"] == "service_completed_successfully"
}
LONG_RUNNING = {name: service for name, service in SERVICES.items() if name not in ONE_SHOT}
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("reviewstream:")}
DASHBOARD = SERVICES["dashboard"]
PROCESSES = {
    name: service
    for name, service in OURS.items()
    if name not in ONE_SHOT and service["command"] in (["score"], ["aggregate"], ["alerts"])
}
"""Those that can be scaled, and touch a health file."""


def known_variables() -> set[str]:
    return {variable_name(field) for settings in COMMANDS.values() for field in settings.model_fields}


def seconds(duration: str) -> float:
    assert duration.endswith("s")
    return float(duration.removesuffix("s"))


def test_the_file_follows_the_compose_specification() -> None:
    check = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.compose-spec",
        str(COMPOSE),
    ]
    result = subprocess.run(check, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_services_are_those_of_the_pipeline() -> None:
    assert LONG_RUNNING.keys() == {
        "kafka",
        "redis",
        "scorer",
        "scorer-gpu",
        "aggregator",
        "alerts",
        "dashboard",
    }
    assert SERVICES.keys() - LONG_RUNNING.keys() == {"topics"}


def test_every_published_port_is_on_the_loopback_address() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert not any("network_mode" in service for service in SERVICES.values())


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_a_long_running_service_reports_its_health(name: str) -> None:
    check = LONG_RUNNING[name]["healthcheck"]
    assert check["test"][0] == "CMD-SHELL"
    assert {"interval", "timeout", "retries", "start_period"} <= check.keys()


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_a_long_running_service_starts_again_after_a_failure(name: str) -> None:
    policy, _, _ = LONG_RUNNING[name]["restart"].partition(":")
    assert policy in {"unless-stopped", "on-failure"}


@pytest.mark.parametrize("name", ["scorer", "scorer-gpu"])
def test_restarts_do_not_drain_a_topic_of_bad_records(name: str) -> None:
    policy, _, limit = SERVICES[name]["restart"].partition(":")
    assert policy == "on-failure"
    assert 1 <= int(limit) <= 20


def test_redis_logs_every_write_and_never_evicts() -> None:
    command = SERVICES["redis"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--appendfsync"] == "everysec"
    assert options["--maxmemory-policy"] == "noeviction"
    assert "redis:/data" in SERVICES["redis"]["volumes"]


def test_kafka_is_the_release_that_the_tests_run() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{KAFKA}"


def test_kafka_keeps_its_records_in_the_volume_and_creates_no_topic_by_mistake() -> None:
    environment = SERVICES["kafka"]["environment"]
    assert f"kafka:{environment['KAFKA_LOG_DIRS']}" in SERVICES["kafka"]["volumes"]
    assert environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_containers_use_the_listener_that_is_advertised_to_them() -> None:
    advertised = SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
    used = {service["environment"]["REVIEWSTREAM_BOOTSTRAP_SERVERS"] for service in OURS.values()}
    assert [f"CONTAINERS://{address}" for address in used] == advertised[:1]


def test_what_a_process_needs_is_there_before_it_starts() -> None:
    healthy, completed = {"condition": "service_healthy"}, {"condition": "service_completed_successfully"}
    assert SERVICES["topics"]["depends_on"] == {"kafka": healthy}
    assert SERVICES["scorer"]["depends_on"] == {"kafka": healthy, "topics": completed}
    assert SERVICES["scorer-gpu"]["depends_on"] == SERVICES["scorer"]["depends_on"]
    assert SERVICES["alerts"]["depends_on"] == {"topics": completed, "redis": healthy}
    assert SERVICES["aggregator"]["depends_on"] == {"kafka": healthy, "topics": completed, "redis": healthy}


def test_the_dashboard_is_served_to_this_machine_alone_and_asks_for_a_token() -> None:
    environment = DASHBOARD["environment"]
    given = {name: value for name, value in environment.items() if value}
    names = {name.removeprefix("REVIEWSTREAM_").lower(): value for name, value in given.items()}
    names.pop("admin_token")

    assert DASHBOARD["ports"] == ["127.0.0.1:${DASHBOARD_PORT:-8010}:8010"]
    assert environment["REVIEWSTREAM_ADMIN_TOKEN"] == "${DASHBOARD_TOKEN:-}"
    with pytest.raises(ValidationError, match="a token is needed"):
        DashboardSettings(**names)
    settings = DashboardSettings(**names, admin_token="0123456789abcdef")
    assert (settings.listen_port, settings.knows_kafka, settings.may_label) == (8010, True, True)


def test_the_dashboard_is_healthy_when_its_page_for_that_answers() -> None:
    health = DASHBOARD["healthcheck"]["test"][1]
    path = re.search(r"http://127.0.0.1:8010(/[a-z]+)", health)
    assert path
    assert create_app(DashboardSettings()).url_path_for("healthz") == path[1]


def test_the_dashboard_waits_for_what_it_reads_and_does_not_start_for_ever_without_a_token() -> None:
    assert DASHBOARD["depends_on"] == SERVICES["aggregator"]["depends_on"]
    assert DASHBOARD["restart"].startswith("on-failure:")
    assert DASHBOARD["profiles"] == ["dashboard"]


def test_the_image_has_what_the_dashboard_needs() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    command = re.search(r'RUN python -c "(.*?)" > requirements.txt', dockerfile, flags=re.DOTALL)
    assert command
    program = command[1].replace("\\\n", "")
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["serve"]]
    assert run.stdout.splitlines() == wanted


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str) -> None:
    assert OURS[name]["environment"].keys() <= known_variables()


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_can_be_scaled(name: str) -> None:
    process = PROCESSES[name]
    assert not process.keys() & {"container_name", "hostname", "ports"}
    assert "REVIEWSTREAM_INSTANCE_ID" not in process["environment"]


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_has_time_to_finish_before_it_is_killed(name: str) -> None:
    grace_period = ProcessSettings.model_fields["grace_period"].default
    assert seconds(PROCESSES[name]["stop_grace_period"]) > grace_period


@pytest.mark.parametrize("name", PROCESSES)
def test_the_health_file_is_the_one_that_is_checked_and_lies_in_memory(name: str) -> None:
    process = PROCESSES[name]
    path = process["environment"]["REVIEWSTREAM_HEALTH_FILE"]
    assert f"find {path} " in process["healthcheck"]["test"][1]
    assert str(PurePosixPath(path).parent) in {mount.partition(":")[0] for mount in process["tmpfs"]}


@pytest.mark.parametrize("name", OURS)
def test_a_container_of_ours_can_change_nothing_of_its_system(name: str) -> None:
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged", False)


@pytest.mark.parametrize("name", OURS)
def test_no_image_of_ours_is_asked_from_a_registry(name: str) -> None:
    service = OURS[name]
    assert service["pull_policy"] == ("build" if "build" in service else "never")
    assert any("build" in other and other["image"] == service["image"] for other in OURS.values())


def test_the_gpu_scorer_runs_only_when_asked_for_and_only_on_a_gpu() -> None:
    scorer = SERVICES["scorer-gpu"]
    assert scorer["profiles"] == ["gpu"]
    assert scorer["environment"]["REVIEWSTREAM_PROVIDER"] == "cuda"
    (device,) = scorer["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])


def test_build_arguments_are_known_to_the_dockerfile_and_name_a_stage() -> None:
    declared = {words[1].partition("=")[0] for words in DOCKERFILE if words[0] == "ARG"}
    stages = {words[-1] for words in DOCKERFILE if words[0] == "FROM" and words[-2] == "AS"}
    arguments = SERVICES["scorer-gpu"]["build"]["args"]
    assert arguments.keys() <= declared
    assert {"dependencies-cpu", f"dependencies-{arguments['ACCELERATOR']}"} <= stages


def test_the_image_runs_as_a_numbered_user_and_stops_on_sigterm() -> None:
    last_stage = max(index for index, words in enumerate(DOCKERFILE) if words[0] == "FROM")
    final = {words[0]: words[1:] for words in DOCKERFILE[last_stage:]}
    user, _, group = final["USER"][0].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert final["STOPSIGNAL"] == ["SIGTERM"]
    assert final["ENTRYPOINT"] == ['["reviewstream"]']


def test_the_build_context_is_the_package_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    described = [pyproject["project"]["readme"], *pyproject["project"]["license-files"]]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == {"pyproject.toml", *described, *packages}
