"""Which addresses SES takes: a 7-bit local part (no SMTPUTF8) at a domain in punycode."""

import hashlib
import re

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(
    rf"(?=.{{3,254}}\Z)(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)


def deliverable(address: str) -> str | None:
    """The address as SES takes it, its domain in punycode; None where there can be no such mailbox.

    SES reads a recipient as an RFC 5322 header, so only a plain dot-atom passes: no comma, quote or bracket by which
    one address could become two.
    """
    local, at, domain = address.rpartition("@")
    try:
        encoded = f"{local}{at}{domain.encode('idna').decode()}"
    except UnicodeError:
        return None
    return encoded if _ADDRESS.fullmatch(encoded) else None


def digest(address: str) -> str:
    """An address as ledger and suppression know it; its purpose prefix keeps it unlike every other hash."""
    return hashlib.sha256(f"mail-recipient:{address.lower()}".encode()).hexdigest()
