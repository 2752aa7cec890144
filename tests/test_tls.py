"""Certificates: what is wrong with one is said in one line, and old TLS is not spoken."""

from __future__ import annotations

import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from netkit.errors import CertificateError
from netkit.tls import Development, server_context

if TYPE_CHECKING:
    from tests.conftest import Certificates


def shake(server: ssl.SSLContext, client: ssl.SSLContext, name: str = "localhost") -> str | None:
    """A handshake in memory, and the version that it agrees on."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server, server_hostname=name)
    for _ in range(5):
        for side in (theirs, ours):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return theirs.version()


def refusal(cert: Path, key: Path | None = None) -> str:
    with pytest.raises(CertificateError) as refused:
        server_context(cert, key)
    assert len(str(refused.value).splitlines()) == 1
    return str(refused.value)


def test_a_certificate_and_its_key(certificates: Certificates) -> None:
    context = server_context(certificates.cert, certificates.key)
    assert shake(context, certificates.client_context()) == "TLSv1.3"


def test_both_in_one_file(certificates: Certificates, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(certificates.key.read_bytes() + certificates.cert.read_bytes())
    assert shake(server_context(both), certificates.client_context()) == "TLSv1.3"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
def test_tls_1_1_is_refused_and_1_2_is_not(certificates: Certificates) -> None:
    context = server_context(certificates.cert, certificates.key)
    client = certificates.client_context()
    client.minimum_version = ssl.TLSVersion.TLSv1_1
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    assert shake(context, client) == "TLSv1.2"
    # OpenSSL itself speaks 1.1 only at security level 0: lowered, so that what refuses is the context.
    client.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    client.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError, match=r"(?i)unsupported.protocol|protocol.version"):
        shake(context, client)


def test_files_that_are_not_there(certificates: Certificates, tmp_path: Path) -> None:
    missing = tmp_path / "no.pem"
    assert refusal(missing) == f"cannot read {missing}: No such file or directory"
    assert refusal(certificates.cert, missing) == f"cannot read {missing}: No such file or directory"
    assert refusal(tmp_path, certificates.key) == f"cannot read {tmp_path}: Is a directory"


def test_a_key_that_does_not_fit(certificates: Certificates, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().issue_cert("localhost").private_key_pem.write_to_path(str(other))
    said = refusal(certificates.cert, other)
    assert said.startswith(f"{certificates.cert} and {other} are no certificate and key that fit, in PEM (")


def test_a_certificate_without_a_key(certificates: Certificates) -> None:
    assert refusal(certificates.cert).startswith(f"{certificates.cert} alone are no certificate and key that fit")


def test_what_is_no_certificate(tmp_path: Path) -> None:
    text = tmp_path / "text.pem"
    text.write_text("dear diary\n")
    assert refusal(text).startswith(f"{text} alone are no certificate and key that fit")


def test_an_encrypted_key_is_not_asked_for_on_the_terminal(certificates: Certificates, tmp_path: Path) -> None:
    encrypted = tmp_path / "encrypted.pem"
    key = load_pem_private_key(certificates.key.read_bytes(), None)
    encrypted.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")),
    )
    said = refusal(certificates.cert, encrypted)
    assert said == "the private key is encrypted: give one that is not (openssl pkey -in KEY -out PLAIN)"


def test_a_throw_away_certificate() -> None:
    made = Development(["chat.example", ""])
    client = ssl.create_default_context(cafile=made.ca)
    assert [path.name for path in made.folder.iterdir()] == ["ca.pem"]
    made.remove()
    assert not made.folder.exists()
    for name in ("localhost", "127.0.0.1", "::1", "chat.example"):
        assert shake(made.context, client, name) == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError):
        shake(made.context, client, "other.example")


def test_without_trustme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(CertificateError, match=r"^throw-away certificates need trustme: pip install .netkit\[tls-dev"):
        Development()
