"""The Dockerfile and the compose file of the docs, as far as they can be held without Docker."""

from __future__ import annotations

import json
import re
import tomllib

import uvicorn
import yaml
from django.conf import settings
from django.core.management import get_commands, load_command_class

PAGE = (settings.BASE_DIR / "docs" / "production" / "containers.md").read_text()
DOCKERFILE, COMPOSE = (
    re.search(rf"^```{kind}\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)[1]
    for kind in ("dockerfile", "yaml")
)
STEPS = [line.split(" ", 1) for line in DOCKERFILE.replace("\\\n", "").splitlines() if line]
SERVICES = yaml.safe_load(COMPOSE)["services"]
PROJECT = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]


def options_of(command: str) -> set[str]:
    """The options of a command of `manage.py`, which is known to Django."""
    parser = load_command_class(get_commands()[command], command).create_parser("manage", command)
    return {option for action in parser._actions for option in action.option_strings}


def test_the_image_runs_as_nobody_and_its_command_is_the_first_process():
    assert STEPS[0][0] == "FROM"
    assert [value for what, value in STEPS if what == "USER"][-1] not in ("root", "0")
    what, command = STEPS[-1]
    program, _, *arguments = json.loads(command)
    assert (what, program) == ("CMD", "uvicorn")
    assert any(it.startswith("uvicorn") for it in PROJECT["optional-dependencies"]["server"])
    known = {option for it in uvicorn.main.params for option in it.opts}
    assert {it for it in arguments if it.startswith("--")} <= known


def test_every_command_of_manage_py_is_there_with_its_options():
    commands = [service["command"] for service in SERVICES.values() if "command" in service]
    commands += [value for what, value in STEPS if what == "RUN"]
    run = [re.search(r"manage\.py (\w+)(.*)", command) for command in commands]
    assert len([it for it in run if it]) == 3
    for name, given in (it.groups() for it in run if it):
        assert set(re.findall(r"--[\w-]+", given)) <= options_of(name)


def test_services_wait_for_each_other_and_have_the_time_to_leave():
    conditions = [on for it in SERVICES.values() for on in it.get("depends_on", {}).items()]
    assert {name for name, _ in conditions} == {"db", "migrate"}
    assert "healthcheck" in SERVICES["db"]
    assert {volume.split(":")[0] for volume in SERVICES["db"]["volumes"]} <= {
        *yaml.safe_load(COMPOSE)["volumes"]
    }
    drain = int(re.search(r"--drain (\d+)", SERVICES["worker"]["command"])[1])
    assert int(SERVICES["worker"]["stop_grace_period"].rstrip("s")) > drain
    served = json.loads(STEPS[-1][1])
    assert SERVICES["web"]["ports"] == [f"8000:{served[served.index('--port') + 1]}"]


def test_the_database_is_one_that_is_supported():
    assert 15 <= int(SERVICES["db"]["image"].removeprefix("postgres:")) <= 18
