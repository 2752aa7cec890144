"""The help names everything that can be asked for, with its default."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields

import pytest
from click.testing import Result

import netkit
from netkit import cli
from netkit.limits import Limits

Ask = Callable[..., Result]

#: What stands in ``[default: ...]``, for each option that has one.
DEFAULTS = {
    "layer": "streams",
    "service": "chat",
    "loop": "auto",
    "listen": "tcp://127.0.0.1:8888",
    "workers": "1",
    "log-format": "text",
} | {each.name.replace("_", "-"): str(getattr(Limits(), each.name)) for each in fields(Limits)}
DEFAULTS["idle"] = "(as the service says: echo 300, chat never)"

PLAIN = {
    "tls-cert",
    "tls-key",
    "tls-dev",
    "unicode-nicks",
    "operator-token-file",
    "state",
    "no-rate-limit",
    "verbose",
    "help",
}


def options(text: str) -> dict[str, str]:
    """What is said about each option, on one line, by its long name."""
    found = re.split(r"^  (?:-\w, )?--([a-z-]+)", text, flags=re.MULTILINE)[1:]
    return {name: " ".join(about.split()) for name, about in zip(found[::2], found[1::2], strict=True)}


def test_every_option_of_serve_is_there_with_its_default(ask: Ask) -> None:
    said = options(ask("serve", "--help").output)
    assert set(said) == DEFAULTS.keys() | PLAIN
    for name, default in DEFAULTS.items():
        assert f"[default: {default}]" in said[name], name


def test_every_bound_says_what_it_is_and_in_which_unit(ask: Ask) -> None:
    said = options(ask("serve", "--help").output)
    for name, unit, about, _ in Limits.table():
        assert said[name.replace("_", "-")].startswith(f"{unit.upper()} {about}")


def test_the_examples_stand_as_they_are_typed(ask: Ask) -> None:
    text = ask("serve", "--help").output
    assert "\n    nc localhost 8888        telnet localhost 8888        nc -U /run/chat.sock\n" in text
    assert '\n    NETKIT_SERVE_LAYER=protocols\n    NETKIT_SERVE_LISTEN="8888 unix:///run/chat.sock"\n' in text
    assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_the_group_names_its_commands(ask: Ask, arguments: tuple[str, ...]) -> None:
    result = ask(*arguments)
    assert result.exit_code == 0
    assert result.output.startswith("Usage: netkit [OPTIONS] [COMMAND] [ARGS]...\n")
    commands = result.output.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in commands] == list(cli.COMMANDS)
    assert all(re.match(r"  [a-z]+  +[A-Z]", line) for line in commands)


def test_the_version_is_that_of_the_package(ask: Ask) -> None:
    assert ask("--version").output == f"netkit, version {netkit.__version__}\n"
