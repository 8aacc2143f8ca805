"""The API is what its OpenAPI document says: schemathesis, which nobody here wrote, tries to prove otherwise."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from calling import BASE, MILESTONES, Caller
from world import KEY

from receiver.api.operations import OPERATIONS

CONFIG = f"""
[parameters]
"path.organisation" = "{KEY}"

# 412 beside what is expected anyway: whether a condition holds is no matter of its form.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 412, 429, "5xx"]
"""


def run(caller: Caller, folder: Path, *options: str) -> str:
    """What a run of schemathesis says; it must find no failure. The organisation is one that there is."""
    (folder / "schemathesis.toml").write_text(CONFIG, encoding="utf-8")
    url = f"{caller.client.base_url}{BASE}/openapi.json"
    header = f"Authorization: {caller.client.headers['authorization']}"
    command = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(folder / "schemathesis.toml")]
    command += ["run", url, "-H", header, "--seed", "1", "--no-color", *options]
    env = os.environ | {"NO_COLOR": "1"}
    done = subprocess.run(  # noqa: S603  the command is ours
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False, env=env
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


def test_schemathesis_finds_no_failure(calling: Any, tmp_path: Path) -> None:
    caller = calling(extra="[api]\nrequests_per_minute = 100000")
    caller.put("M-0412")
    caller.ask("PUT", f"{MILESTONES}/M-0412/exemption", json={"reason": "Paid in kind"})
    told = run(caller, tmp_path, "--phases", "examples,coverage,fuzzing", "--max-examples", "8")
    assert f"Tested: {len(OPERATIONS)}" in told


@pytest.fixture
def document(caller: Caller) -> Any:
    with_key = caller.client.get(f"{BASE}/openapi.json")
    assert with_key.status_code == 200
    return with_key.json()


def test_the_document_tells_every_operation_with_its_problems(document: Any) -> None:
    assert document["openapi"] == "3.1.0"
    for one in OPERATIONS:
        told = document["paths"][one.path][one.method.lower()]
        assert {str(each) for each in (*one.statuses, *one.problems, 401, 403, 429)} <= set(told["responses"])


def test_the_examples_are_of_the_form_that_they_are_examples_of(document: Any) -> None:
    for one in OPERATIONS:
        if one.body and one.example:
            schema = {"$ref": f"#/components/schemas/{one.body.__name__}", "components": document["components"]}
            jsonschema.validate(one.example, schema)
            assert json.loads(json.dumps(one.example)) == one.example


def test_generated_clients_can_name_the_version_that_they_replace(document: Any) -> None:
    told = document["paths"]["/organisations/{organisation}/milestones/{key}"]
    named = {each["name"] for each in told["put"].get("parameters", []) if each["in"] == "header"}
    assert named == {"If-Match", "If-None-Match"}
    assert not [each for each in told["get"].get("parameters", []) if each["in"] == "header"]


def test_generated_clients_know_that_days_are_days(document: Any) -> None:
    fields = document["components"]["schemas"]["Wish"]["properties"]
    assert fields["date"]["format"] == "date"
    assert fields["due_date"]["anyOf"][0]["format"] == "date"
