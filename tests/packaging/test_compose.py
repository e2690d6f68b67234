"""The compose file: valid by its schema, official images, no secret inside."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"


def test_it_is_valid_by_the_compose_schema():
    """No engine runs here, so the schema is what stands between a typo and a user."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "check_jsonschema",
            "--builtin-schema",
            "vendor.compose-spec",
            str(COMPOSE),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_images_are_pinned_and_no_secret_stands_in_it():
    """Whoever copies the file must not copy a password with it."""
    text = COMPOSE.read_text(encoding="utf-8")
    images = re.findall(r"image: (\S+)", text)

    assert all(re.search(r":[\w.-]*\d", image) and not image.endswith("latest") for image in images)
    for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "QUXUN_SECRET_KEY", "QUXUN_OPERATOR_TOKEN"):
        values = re.findall(rf"^\s+{name}: (.*)$", text, re.MULTILINE)
        assert values
        assert all(value.startswith(f"${{{name}:?") for value in values)


def test_every_queue_has_a_worker():
    """A queue that no service consumes is mail that never leaves."""
    from tasks.app import QUEUES

    consumed = re.findall(r'--queues, "?([\w,]+?)"?(?:\]|, )', COMPOSE.read_text(encoding="utf-8"))

    assert sorted(name for group in consumed for name in group.split(",")) == sorted(QUEUES)


def test_the_image_is_pinned_and_not_root():
    """A container that was broken into must not be root."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")

    assert re.search(r"^FROM python:\d+\.\d+\.\d+-slim-\w+", text, re.MULTILINE)
    assert re.search(r"^USER quxun$", text, re.MULTILINE)


def test_every_setting_can_be_set_in_the_env_file():
    """What settings.md documents does something where the service runs in containers, too; what
    is not set is as it is without.
    """
    from aggregator.settings import Settings

    fixed = {"home", "host", "port", "database_url", "demo", "embedded"}
    text = COMPOSE.read_text(encoding="utf-8")
    for name in Settings.model_fields:
        if name in fixed:
            continue
        found = re.search(rf"^\s+QUXUN_{name.upper()}: (.*)$", text, re.MULTILINE)
        assert found, name
        default = re.search(r"\$\{QUXUN_\w+:?-([^}]*)\}", found[1])
        if default and name not in {"smtp_url", "mail_from", "user_agent"}:
            given = {} if default[1] == "" else {name: default[1]}
            assert getattr(Settings(**given), name) == getattr(Settings(), name)
