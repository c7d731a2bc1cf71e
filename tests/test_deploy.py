"""What is under deploy/ fits the program: commands exist, settings are read, nginx takes its configuration."""

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
MANUAL = (DEPLOY / "DEPLOY.md").read_text()


def unit(path: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str
    parser.read(path)
    return parser["Service"]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_starts_a_command_that_exists(path):
    words = unit(path)["ExecStart"].split()
    if "gunicorn" in words[0]:
        assert words[1] == "portal.wsgi"
        return
    name, arguments = words[2], words[3:]
    command = load_command_class(get_commands()[name], name)
    command.create_parser("manage.py", name).parse_args(arguments)


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_has_the_least_privileges(path):
    service = unit(path)
    assert service["NoNewPrivileges"] == service["ProtectHome"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""
    assert service["User"] != "root"


def test_the_manual_names_units_settings_and_commands_that_exist():
    units = {path.name.removesuffix(".service") for path in DEPLOY.glob("systemd/*")}
    named = set(re.findall(r"(?<![/\w])portal-[a-z]+(?:\.timer)?", MANUAL))
    assert named <= units
    assert set(re.findall(r"manage\.py (\w+)", MANUAL)) <= set(get_commands())
    source = (ROOT / "portal" / "settings.py").read_text()
    example = MANUAL.split("<<'END'")[1].split("END")[0]
    assert len(example.split()) >= 7
    for name in re.findall(r"^([A-Z_]+)=", example, re.M):
        assert f'"{name}"' in source or f"{name} =" in source, name


def test_nginx_takes_the_configuration(tmp_path):
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if not nginx:
        pytest.skip("no nginx on this machine")
    pem = tmp_path / "site.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=gongshi.example"]
    subprocess.run([*make, "-keyout", str(pem), "-out", str(tmp_path / "cert.pem")], check=True, capture_output=True)
    pem.write_text(pem.read_text() + (tmp_path / "cert.pem").read_text())
    site = (DEPLOY / "nginx.conf").read_text()
    site = re.sub(r"/etc/ssl/portal/\S+\.pem", str(pem), site).replace("/var/cache/nginx", str(tmp_path))
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; {site} }}"
    )
    done = subprocess.run([nginx, "-t", "-c", str(tmp_path / "nginx.conf")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
