"""What is asked for on the command line or in the environment is what is served."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest
from click.testing import Result

from netkit import cli
from netkit.endpoints import Endpoint
from netkit.limits import Limits
from netkit.server import Config
from netkit.services.chat import Chat
from netkit.services.echo import Echo

Ask = Callable[..., Result]

TCP, TLS, UNIX = "tcp://127.0.0.1:8888", "tls://[::1]:8889", "unix:///run/chat.sock?mode=660"

#: Another value for each bound than its default, and all of them fit together.
OTHERS = {each.name: (getattr(Limits(), each.name) or 7) // 2 or 2 for each in fields(Limits)}


def asked(ask: Ask, served: list[Config], *arguments: str, **variables: str) -> Config:
    result = ask("serve", *arguments, **variables)
    assert (result.exit_code, result.output) == (0, "")
    return served.pop()


def test_without_options_a_chat_is_served_on_loopback(ask: Ask, served: list[Config]) -> None:
    config = asked(ask, served)
    assert isinstance(config.service, Chat)
    expected = Config(
        service=config.service,
        service_name="chat",
        layer="streams",
        loop="auto",
        listen=(Endpoint("tcp", "127.0.0.1", 8888),),
        limits=Limits(),
        tls_cert=None,
        tls_key=None,
        tls_dev=False,
    )
    assert config == expected
    assert config == Config(service=config.service, service_name="chat")


def test_every_option_arrives(ask: Ask, served: list[Config]) -> None:
    config = asked(
        ask,
        served,
        *("--layer", "protocols", "--loop", "asyncio", "--service", "echo", "--listen", TLS, "--linger", "0.5"),
        *("--tls-cert", "cert.pem", "--tls-key", "key.pem"),
    )
    assert isinstance(config.service, Echo)
    assert config == Config(
        service=config.service,
        service_name="echo",
        layer="protocols",
        loop="asyncio",
        listen=(Endpoint("tls", "::1", 8889),),
        limits=Limits(linger=0.5),
        tls_cert=Path("cert.pem"),
        tls_key=Path("key.pem"),
    )


def test_a_throw_away_certificate_can_be_asked_for(ask: Ask, served: list[Config]) -> None:
    assert asked(ask, served, "--listen", TLS, "--tls-dev").tls_dev is True


def test_a_load_test_can_take_the_rates_away(ask: Ask, served: list[Config]) -> None:
    limits = Limits(per_address=3)
    assert asked(ask, served, "--per-address", "3").limits == limits
    assert (
        asked(ask, served, "--per-address", "3", "--line-rate", "7", "--no-rate-limit").limits == limits.without_rates()
    )
    assert asked(ask, served, NETKIT_SERVE_NO_RATE_LIMIT="1").limits == Limits().without_rates()


@pytest.mark.parametrize("layer", ["transports", "protocols", "streams"])
def test_each_layer_can_be_asked_for(ask: Ask, served: list[Config], layer: str) -> None:
    assert asked(ask, served, "--layer", layer).layer == layer


@pytest.mark.parametrize("loop", ["auto", "asyncio", "uvloop"])
def test_each_loop_can_be_asked_for(ask: Ask, served: list[Config], loop: str) -> None:
    assert asked(ask, served, "--loop", loop).loop == loop


@pytest.mark.parametrize("name", OTHERS)
def test_every_bound_is_an_option(ask: Ask, served: list[Config], name: str) -> None:
    limits = asked(ask, served, "--" + name.replace("_", "-"), str(OTHERS[name])).limits
    assert limits == replace(Limits(), **{name: OTHERS[name]})
    assert limits != Limits()


def test_all_endpoints_are_listened_on_in_their_order(ask: Ask, served: list[Config]) -> None:
    options = ("--listen", TCP, "--listen", UNIX, "--listen", "9999", "--listen", ":7")
    assert asked(ask, served, *options).listen == (
        Endpoint("tcp", "127.0.0.1", 8888),
        Endpoint("unix", path="/run/chat.sock", mode=0o660),
        Endpoint("tcp", "127.0.0.1", 9999),
        Endpoint("tcp", "127.0.0.1", 7),
    )


def test_the_environment_gives_options(ask: Ask, served: list[Config]) -> None:
    config = asked(
        ask,
        served,
        NETKIT_SERVE_LAYER="transports",
        NETKIT_SERVE_LOOP="asyncio",
        NETKIT_SERVE_SERVICE="echo",
        NETKIT_SERVE_LISTEN=f"{TCP} {TLS}",
        NETKIT_SERVE_TLS_DEV="1",
        NETKIT_SERVE_PER_ADDRESS="3",
    )
    assert config == Config(
        service=config.service,
        service_name="echo",
        layer="transports",
        loop="asyncio",
        listen=(Endpoint.parse(TCP), Endpoint.parse(TLS)),
        limits=Limits(per_address=3),
        tls_dev=True,
    )


@pytest.mark.parametrize("name", OTHERS)
def test_the_environment_gives_every_bound(ask: Ask, served: list[Config], name: str) -> None:
    limits = asked(ask, served, **{f"NETKIT_SERVE_{name.upper()}": str(OTHERS[name])}).limits
    assert limits == replace(Limits(), **{name: OTHERS[name]})


def test_an_option_beats_the_environment(ask: Ask, served: list[Config]) -> None:
    assert asked(ask, served, "--layer", "protocols", NETKIT_SERVE_LAYER="transports").layer == "protocols"


def test_an_empty_variable_is_none(ask: Ask, served: list[Config]) -> None:
    assert asked(ask, served, NETKIT_SERVE_LAYER="", NETKIT_SERVE_LISTEN="").layer == "streams"


def test_a_version_in_the_environment_is_no_question(ask: Ask, served: list[Config]) -> None:
    """Images of containers tell with NETKIT_VERSION what they hold."""
    assert asked(ask, served, NETKIT_VERSION="0.1.0").layer == "streams"


def test_nothing_is_served_for_a_question(ask: Ask, served: list[Config]) -> None:
    assert [ask(*each).exit_code for each in ((), ("--help",), ("--version",), ("serve", "--help"))] == [0] * 4
    assert served == []


def test_a_program_may_call_it_and_see_its_errors(served: list[Config]) -> None:
    assert cli.main(["serve", "--service", "echo"], standalone_mode=False) is None
    assert [config.service_name for config in served] == ["echo"]
