"""Certificates for servers that are started to be measured or tried."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import CertificateError


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files of a throw-away authority and of a server certificate for localhost."""

    ca: str
    cert: str
    key: str

    @classmethod
    def make(cls, folder: Path) -> Certificates:
        """Make them in a folder.

        Raises:
            CertificateError: trustme is not installed.
        """
        try:
            import trustme
        except ImportError:
            raise CertificateError("TLS needs certificates, and they need trustme: pip install 'netkit[all]'") from None
        authority = trustme.CA()
        leaf = authority.issue_cert("localhost", "127.0.0.1", "::1")
        made = cls(*(str(folder / name) for name in ("ca.pem", "cert.pem", "key.pem")))
        authority.cert_pem.write_to_path(made.ca)
        leaf.private_key_pem.write_to_path(made.key)
        for blob in leaf.cert_chain_pems:
            blob.write_to_path(made.cert, append=True)
        return made
