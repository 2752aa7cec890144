"""TLS contexts: from a certificate and key, or throw-away ones for development."""

from __future__ import annotations

import shutil
import socket
import ssl
import tempfile
from collections.abc import Iterable
from pathlib import Path

from .errors import CertificateError


def server_context(cert: str | Path, key: str | Path | None = None) -> ssl.SSLContext:
    """A server's context: TLS 1.2 and up, with Python's own choice of ciphers.

    Args:
        cert: a PEM file with the certificate and those that lead to its root.
        key: a PEM file with the private key; None where it is in ``cert``.

    Raises:
        CertificateError: a file is missing or unreadable, or they do not fit together.
    """
    for path in (cert,) if key is None else (cert, key):
        try:
            Path(path).open("rb").close()
        except OSError as why:
            raise CertificateError(f"cannot read {path}: {why.strerror}") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key, password=_no_password)
    except ssl.SSLError as why:
        reason = why.reason or str(why)
        what = f"{cert} and {key}" if key else f"{cert} alone"
        raise CertificateError(f"{what} are no certificate and key that fit, in PEM ({reason})") from None
    return context


def client_context(ca: str | Path | None = None, *, verify: bool = True) -> ssl.SSLContext:
    """A client's context: TLS 1.2 and up, with Python's own choice of ciphers.

    Args:
        ca: a PEM file with the certificates of the authorities to trust; None: those of the system.
        verify: whether the peer must prove who it is. Where not, anybody may listen in.

    Raises:
        CertificateError: the file is missing or unreadable, or holds no certificate.
    """
    try:
        context = ssl.create_default_context(cafile=ca)
    except ssl.SSLError:
        raise CertificateError(f"{ca} holds no certificate in PEM") from None
    except OSError as why:
        raise CertificateError(f"cannot read {ca}: {why.strerror}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _no_password() -> str:
    # Without this OpenSSL would ask on the terminal of a server that may have none.
    raise CertificateError("the private key is encrypted: give one that is not (openssl pkey -in KEY -out PLAIN)")


def context_of(pem: bytes) -> ssl.SSLContext:
    """A server's context from certificate and key in PEM, see ``server_context``. OpenSSL reads nothing but files."""
    with tempfile.NamedTemporaryFile(prefix="netkit-tls-") as file:
        file.write(pem)
        file.flush()
        return server_context(file.name)


class Development:
    """A throw-away authority and a certificate for this machine, in a folder that ``remove`` takes away again.

    Attributes:
        context: a server's context, see ``server_context``.
        pem: what that was made from, for other processes.
        ca: the authority's certificate in PEM, for ``openssl s_client -CAfile``.
    """

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        """Make both, for localhost, this machine's name and ``hosts``.

        Raises:
            CertificateError: trustme is not installed.
        """
        try:
            import trustme
        except ImportError:
            raise CertificateError(
                "throw-away certificates need trustme: pip install 'netkit[tls-dev]', or give --tls-cert and --tls-key"
            ) from None
        names = dict.fromkeys(("localhost", "127.0.0.1", "::1", socket.gethostname(), *hosts))
        authority = trustme.CA()
        leaf = authority.issue_cert(*filter(None, names))
        self.pem: bytes = leaf.private_key_and_cert_chain_pem.bytes()
        self.context = context_of(self.pem)
        # Only the authority's certificate has a reader.
        self.folder = Path(tempfile.mkdtemp(prefix="netkit-tls-dev-"))
        self.ca = self.folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca))

    def remove(self) -> None:
        """Take the folder away. The context goes on working."""
        shutil.rmtree(self.folder, ignore_errors=True)
