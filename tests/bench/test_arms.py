"""The servers that are held against each other: netkit's own, any command, one that runs already."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from netkit import layers
from netkit.bench import arms
from netkit.bench.arms import Arm
from netkit.bench.scenario import Workload
from netkit.errors import LoopError, ScenarioError

ECHO = Workload(scenario="echo", kind="closed")
CHAT = Workload(scenario="chat", kind="idle", service="chat", size=64)
TLS = replace(ECHO, tls=True)

STREAMS = Arm("streams-asyncio", "streams on asyncio", "streams", "asyncio")


@pytest.fixture
def without_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where it is not installed."""
    monkeypatch.setitem(sys.modules, "uvloop", None)


@pytest.fixture
def with_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where every loop is installed."""
    monkeypatch.setattr("netkit.loops.factory", lambda name: (name, None))


# Netkit's own.


def test_the_layers_are_netkits_own() -> None:
    assert set(arms.LAYERS) == set(layers.NAMES)


@pytest.mark.usefixtures("with_uvloop")
def test_every_layer_runs_on_every_loop_and_streams_on_asyncio_is_the_first() -> None:
    names = ["streams-asyncio", "protocols-asyncio", "transports-asyncio"]
    names += ["streams-uvloop", "protocols-uvloop", "transports-uvloop"]
    assert [each.name for each in arms.own()] == names
    assert arms.own()[0] == STREAMS
    assert arms.own()[-1] == Arm("transports-uvloop", "transports on uvloop", "transports", "uvloop")


@pytest.mark.usefixtures("with_uvloop")
def test_what_is_named_is_what_is_run_once_and_in_that_order() -> None:
    found = arms.own(["transports", "streams", "transports"], ["uvloop"])
    assert [each.name for each in found] == ["transports-uvloop", "streams-uvloop"]
    assert [each.name for each in arms.own([], ["uvloop", "uvloop"])] == [
        f"{layer}-uvloop" for layer in ("streams", "protocols", "transports")
    ]


@pytest.mark.usefixtures("without_uvloop")
def test_a_loop_that_is_not_installed_is_left_out_unless_it_is_named() -> None:
    assert {each.loop for each in arms.own()} == {"asyncio"}
    with pytest.raises(LoopError, match="uvloop is not installed: pip install"):
        arms.own([], ["uvloop"])


def test_netkit_is_started_by_its_own_command_line() -> None:
    serve = [sys.executable, "-m", "netkit", "serve", "--service"]
    own = ["--layer", "streams", "--loop", "asyncio"]
    assert STREAMS.argv(ECHO, 7, "c", "k") == [*serve, "echo", "--listen", "tcp://127.0.0.1:7", *own]
    assert STREAMS.argv(CHAT, 7, "c", "k") == [*serve, "chat", "--listen", "tcp://127.0.0.1:7", *own, "--no-rate-limit"]
    (own_service,) = arms.own(["streams"], ["asyncio"], "my:Own")
    assert own_service.argv(ECHO, 7, "c", "k") == [*serve, "my:Own", "--listen", "tcp://127.0.0.1:7", *own]
    encrypted = [*serve, "echo", "--listen", "tls://127.0.0.1:7", *own, "--tls-cert", "c", "--tls-key", "k"]
    assert STREAMS.argv(TLS, 7, "c", "k") == encrypted


# Commands.


def test_a_command_is_a_name_and_a_line() -> None:
    assert arms.command("go='./echo' -p {port}") == Arm("go", "go", command="'./echo' -p {port}")
    assert arms.command("a.b+c_d-1=x=y {port}") == Arm("a.b+c_d-1", "a.b+c_d-1", command="x=y {port}")


def test_what_is_in_braces_is_filled_in_word_by_word() -> None:
    arm = arms.command("go=./echo -p {port} --as={service} '{cert} and {key}' {other} {} '{port}{port}' {python}")
    words = ["./echo", "-p", "80", "--as=echo", "c d and k", "{other}", "{}", "8080", sys.executable]
    assert arm.argv(TLS, 80, "c d", "k") == words


def test_what_is_filled_in_is_not_looked_through_again() -> None:
    assert arms.command("go=x {port} {cert}").argv(TLS, 80, "{key}", "k") == ["x", "80", "{key}"]


def test_python_runs_from_a_command_with_braces_of_its_own() -> None:
    arm = arms.command("""py=python -c 'serve({"port": {port}})'""")
    assert arm.argv(ECHO, 80, "", "") == ["python", "-c", 'serve({"port": 80})']


@pytest.mark.parametrize("text", ["go", "go=", "go=  "])
def test_a_command_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ScenarioError) as why:
        arms.command(text)
    assert str(why.value) == f"cannot read the server {text!r}: write it like go='./echo -p {{port}}'"


@pytest.mark.parametrize("name", ["", "-go", "a b", "A/A", "\x1b[2J"])
def test_a_name_that_cannot_be_used_is_refused(name: str) -> None:
    with pytest.raises(ScenarioError) as why:
        arms.command(f"{name}=x {{port}}")
    assert str(why.value) == f"no server can be called {name!r}: use letters, digits and . _ + -"


def test_a_command_without_a_port_is_refused() -> None:
    with pytest.raises(ScenarioError) as why:
        arms.command("go=./echo -p 8888")
    assert str(why.value) == "server go has no {port} in its command: it must listen on 127.0.0.1, port {port}"


def test_a_command_with_an_open_quote_is_refused() -> None:
    with pytest.raises(ScenarioError) as why:
        arms.named("go", "'./echo {port}")
    assert str(why.value) == "cannot read the command of server go: No closing quotation"


@pytest.mark.parametrize("line", ["x {port}", "x {port} {cert}", "x {port} {key}"])
def test_a_command_that_takes_no_certificate_is_not_asked_for_tls(line: str) -> None:
    arm = arms.named("go", line)
    arm.check(ECHO)
    with pytest.raises(ScenarioError) as why:
        arm.check(TLS)
    assert str(why.value) == "server go cannot be asked for TLS: its command needs {cert} and {key}"


def test_a_command_that_takes_a_certificate_and_netkit_itself_are_asked_for_tls() -> None:
    arms.named("go", "x {port} --cert={cert} --key={key}").check(TLS)
    STREAMS.check(TLS)


# One that runs already.


@pytest.mark.parametrize("text", ["127.0.0.1:8888", "[::1]:1", "::1:80", "example.org:65535"])
def test_a_target_is_a_host_and_a_port(text: str) -> None:
    assert arms.target(text) == Arm("target", f"the server at {text}", target=text)


@pytest.mark.parametrize("text", ["", "8888", ":8888", "localhost", "localhost:", "h:0", "h:65536", "h:-1", "h:http"])
def test_a_target_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ScenarioError) as why:
        arms.target(text)
    assert str(why.value) == f"cannot read the target {text!r}: write it like 127.0.0.1:8888 or [::1]:8888"


@pytest.mark.parametrize("kind", ["idle", "stalled"])
def test_a_target_has_no_memory_to_be_measured(kind: str) -> None:
    workload = Workload(scenario="mem", kind=kind, service="chat", size=64, rate=1, senders=1)
    with pytest.raises(ScenarioError) as why:
        arms.target("h:1").check(workload)
    assert str(why.value) == (
        "mem measures memory, and the process behind a --target is not known: "
        "start it with --server-cmd, or choose another scenario"
    )


def test_a_target_over_tls_is_refused() -> None:
    with pytest.raises(ScenarioError) as why:
        arms.target("h:1").check(TLS)
    assert str(why.value) == "a --target cannot be measured over TLS, its authority is not known: use --server-cmd"


# All of them.


def test_every_arm_has_a_name_of_its_own() -> None:
    one, other = arms.named("go", "x {port}"), arms.named("c", "x {port}")
    assert arms.unique([STREAMS, one, other]) == [STREAMS, one, other]
    with pytest.raises(ScenarioError) as why:
        arms.unique([one, STREAMS, replace(other, name="go")])
    assert str(why.value) == "two servers are called go: give each a name of its own"


def test_the_name_of_the_second_copy_of_the_baseline_is_taken() -> None:
    with pytest.raises(ScenarioError, match="A/A"):
        arms.unique([arms.named(arms.CONTROL, "x {port}")])


def test_an_arm_comes_back_from_its_table() -> None:
    for arm in (STREAMS, arms.named("go", "x {port}"), arms.target("h:1")):
        assert Arm(**arm.to_dict()) == arm
