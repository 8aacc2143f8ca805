"""What `deploy/` holds can be used as it stands: it parses, and names commands, ports, paths and metrics that exist.

Where nginx, promtool, systemd-analyze or docker compose are at hand, they have the last word.
"""

import configparser
import json
import re
import shlex
import shutil
import socket
import subprocess
from pathlib import Path

import click
import pytest
import yaml

from billwatch import metrics
from billwatch.cli import main
from billwatch.daemon import Role
from billwatch.sections import Server
from receiver.api.routes import BASE
from receiver.body import BodyLimits
from receiver.metrics import PATH as METRICS
from receiver.render import STYLE_PATH
from receiver.webhook import PATH

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
NGINX = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
COMPOSED = (DEPLOY / "nginx-compose.conf").read_text(encoding="utf-8")
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
ALERTS = yaml.safe_load((DEPLOY / "alerts.yml").read_text(encoding="utf-8"))
DASHBOARD = json.loads((DEPLOY / "grafana.json").read_text(encoding="utf-8"))
UNITS = sorted((DEPLOY / "systemd").iterdir())
PORT = Server().port


def tool(name: str) -> str:
    """The path of a program; skips the test where there is none."""
    found = shutil.which(name)
    return found or pytest.skip(f"{name} is not at hand")


def run(*command: str) -> None:
    """Run a program that must find nothing wrong."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr


def given(words: list[str]) -> None:
    """See that these words can be given to billwatch."""
    context = click.Context(main)
    _, rest, _ = main.make_parser(context).parse_args(words)
    command = main.get_command(context, rest[0])
    assert command is not None, words
    command.parse_args(click.Context(command), rest[1:])


def unit(path: Path) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser(strict=False, interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read(path, encoding="utf-8")
    return parsed


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
class TestUnits:
    def test_it_starts_what_billwatch_knows(self, path: Path) -> None:
        program, *words = shlex.split(unit(path)["Service"]["ExecStart"])
        assert program == "/opt/billwatch/bin/billwatch"
        for role in Role:
            given([word.replace("%i", role) for word in words])

    def test_systemd_finds_nothing_wrong_and_little_that_is_open(self, path: Path, tmp_path: Path) -> None:
        analyze = tool("systemd-analyze")
        there = tmp_path / path.name.replace("@", "@reconciler")
        there.write_text(path.read_text(encoding="utf-8").replace("/opt/billwatch/bin/billwatch", "/bin/true"), "utf-8")
        run(analyze, "verify", "--man=no", "--generators=no", str(there))
        run(analyze, "security", "--offline=true", "--threshold=20", str(there))


class TestContainers:
    def test_the_image_copies_what_there_is_and_runs_for_nobody_in_particular(self) -> None:
        copied = [word for line in re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE) for word in line.split()]
        assert [name for name in copied if not (ROOT / name).exists()] == []
        kept = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
        assert {f"!{name}" for name in copied} == {line for line in kept if line.startswith("!")}
        assert re.search(r"^USER billwatch$", DOCKERFILE, re.MULTILINE)
        assert f"http://127.0.0.1:{PORT}/readyz" in DOCKERFILE
        given([*_words("ENTRYPOINT"), *_words("CMD")][1:])

    @pytest.mark.parametrize("role", [Role.RECEIVER, Role.RECONCILER])
    def test_two_of_each_role_run_closed(self, role: str) -> None:
        service = COMPOSE["services"][role]
        assert (service["read_only"], service["cap_drop"], service["deploy"]["replicas"]) == (True, ["ALL"], 2)
        assert service["command"][:3] == ["serve", "--role", role]
        given(service["command"])

    def test_every_file_and_volume_that_is_named_is_there_or_told_of(self) -> None:
        told = (DEPLOY / "compose.yaml").read_text(encoding="utf-8").partition("\nx-billwatch")[0]
        for name, service in COMPOSE["services"].items():
            for source in (volume.partition(":")[0] for volume in service.get("volumes", [])):
                place = source.removeprefix("./")
                assert (DEPLOY / place).exists() or f"{place}/" in told or place in COMPOSE["volumes"], (name, source)

    def test_compose_takes_it(self) -> None:
        docker = tool("docker")
        if subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:  # noqa: S603
            pytest.skip("docker compose is not at hand")
        run(docker, "compose", "--file", str(DEPLOY / "compose.yaml"), "config", "--quiet")


class TestNginx:
    @pytest.mark.parametrize(
        ("path", "passed"),
        [
            *((path, True) for path in (PATH, "/r/abc", STYLE_PATH, "/healthz", f"{BASE}/openapi.json")),
            *((path, True) for path in ("/", "/login", "/milestones", "/milestones/acme/G%2F1", "/forecast")),
            *((path, False) for path in (METRICS, "/readyz", "/.git/config", "/login.php")),
        ],
    )
    def test_what_is_for_others_is_handed_on_and_nothing_else(self, path: str, passed: bool) -> None:
        assert ("proxy_pass" in _location(path)) is passed

    def test_a_webhook_gets_its_answer_or_its_refusal_within_five_seconds(self) -> None:
        block = _location(PATH)
        assert re.search(r"proxy_read_timeout 4s;", block)
        assert re.search(r"proxy_next_upstream_timeout 4s;", block)
        assert f"client_max_body_size {BodyLimits().size // 1024}k;" in NGINX

    def test_the_keys_to_pages_are_not_logged(self) -> None:
        assert "access_log off;" in _location("/r/abc")
        assert "error_log stderr crit;" in _location("/r/abc")

    def test_nobody_names_himself(self) -> None:
        assert 'proxy_set_header X-Remote-User "";' in NGINX

    def test_beside_compose_only_the_upstream_and_the_certificates_differ(self) -> None:
        ours, theirs = (re.sub(r"(ssl_certificate\w* +)\S+", r"\1", text) for text in (NGINX, COMPOSED))
        assert ours.partition("\nserver {")[2] == theirs.partition("\nserver {")[2]
        assert f"server 127.0.0.1:{PORT} " in NGINX
        assert f"server receiver:{PORT} " in COMPOSED

    def test_nginx_takes_it(self, tmp_path: Path) -> None:
        nginx, openssl = tool("nginx"), tool("openssl")
        key, certificate = tmp_path / "privkey.pem", tmp_path / "fullchain.pem"
        made = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=billwatch.example.org"]
        run(*made, "-keyout", str(key), "-out", str(certificate))
        text = NGINX.replace("/etc/letsencrypt/live/billwatch.example.org", str(tmp_path))
        for port in (443, 80):
            text = re.sub(rf"listen {port}\b", f"listen 127.0.0.1:{_free_port()}", text)
        main_file = tmp_path / "nginx.conf"
        main_file.write_text(
            f"pid {tmp_path}/nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n"
            + "".join(f"{kind}_temp_path {tmp_path};\n" for kind in TEMPORARY)
            + f"{text}}}\n",
            encoding="utf-8",
        )
        run(nginx, "-t", "-p", str(tmp_path), "-e", "stderr", "-c", str(main_file))


class TestWatching:
    def test_every_metric_that_is_asked_for_is_told(self) -> None:
        told = set(re.findall(r'"(billwatch_\w+)"', Path(metrics.__file__).read_text(encoding="utf-8")))
        asked = [rule["expr"] for group in ALERTS["groups"] for rule in group["rules"]]
        asked += [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
        named = {re.sub(r"_(total|bucket)$", "", name) for each in asked for name in re.findall(r"billwatch_\w+", each)}
        assert named - told == set()
        assert told - named <= {"billwatch_build", "billwatch_verdicts", *RECEIVED}

    def test_every_alert_says_what_it_means_and_what_to_do(self) -> None:
        for rule in ALERTS["groups"][0]["rules"]:
            assert rule["labels"]["severity"] in ("warning", "critical")
            assert rule["annotations"]["summary"], rule["alert"]
            assert rule["annotations"]["description"].endswith("."), rule["alert"]

    def test_the_panels_have_places_of_their_own(self) -> None:
        places = [tuple(panel["gridPos"].values()) for panel in DASHBOARD["panels"]]
        assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(set(places)) == len(places)

    def test_promtool_takes_rules_and_panels(self, tmp_path: Path) -> None:
        promtool = tool("promtool")
        run(promtool, "check", "rules", str(DEPLOY / "alerts.yml"))
        panels = [
            {"record": f"panel_{panel['id']}", "expr": target["expr"]}
            for panel in DASHBOARD["panels"]
            for target in panel["targets"]
        ]
        rules = tmp_path / "panels.yml"
        rules.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": panels}]}), encoding="utf-8")
        run(promtool, "check", "rules", str(rules))


TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
RECEIVED = ("billwatch_last_webhook_timestamp_seconds", "billwatch_xero_received_bytes")


def _words(instruction: str) -> list[str]:
    (found,) = re.findall(rf"^{instruction} (\[.*\])$", DOCKERFILE, re.MULTILINE)
    words: list[str] = json.loads(found)
    return words


def _location(path: str) -> str:
    """The block that nginx chooses for a path: an exact one, else the first expression that fits, else the longest."""
    found = re.findall(r"location (=|~|) ?(\S+) \{(.*?)\n?\s*\}", NGINX, re.DOTALL)
    exact = [block for kind, place, block in found if kind == "=" and place == path]
    fitting = [block for kind, place, block in found if kind == "~" and re.search(place, path)]
    longest = sorted((place, block) for kind, place, block in found if not kind and path.startswith(place))
    return str([*exact, *fitting, longest[-1][1]][0])


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
