"""Tokens that nobody issued: any claims and any header, signed with the pool's own key or with another."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa


@dataclass(frozen=True)
class Forger:
    """Somebody who saw a token and its pool's public key, or even has the private one."""

    genuine: str
    key: rsa.RSAPrivateKey

    @classmethod
    def of(cls, state_dir: Path, pool_id: str, genuine: str) -> "Forger":
        """The pool's access key as the local cloud keeps it."""
        pem = (state_dir / "aws" / "cognito-pool-keys" / f"{pool_id}-access.pem").read_bytes()
        key = serialization.load_pem_private_key(pem, None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return cls(genuine, key)

    @property
    def header(self) -> dict[str, Any]:
        return dict(decoded(self.genuine.split(".")[0]))

    @property
    def claims(self) -> dict[str, Any]:
        return dict(decoded(self.genuine.split(".")[1]))

    @property
    def public_pem(self) -> bytes:
        """The public key as openssl writes it."""
        encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(encoding, form)

    @property
    def public_jwk(self) -> dict[str, str]:
        """The public key as the pool publishes it."""
        return jwk(self.key) | {"kid": str(self.header["kid"]), "use": "sig"}

    def signed(self, header: Any = None, claims: Any = None, key: rsa.RSAPrivateKey | None = None) -> str:
        """A token with this header and these claims, by RS256; each the genuine token's where not given."""
        text = f"{encoded(header or self.header)}.{encoded(claims or self.claims)}"
        signature = (key or self.key).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{base64url(signature)}"

    def claiming(self, *without: str, **claims: Any) -> str:
        """The genuine token, signed anew with other claims."""
        return self.signed(claims={k: v for k, v in (self.claims | claims).items() if k not in without})

    def keyed(self, secret: bytes) -> str:
        """The genuine token's claims, by HS256."""
        text = f"{encoded(self.header | {'alg': 'HS256'})}.{encoded(self.claims)}"
        return f"{text}.{base64url(hmac.digest(secret, text.encode(), hashlib.sha256))}"

    def unsigned(self, algorithm: str) -> str:
        """The genuine token's claims and no signature."""
        return f"{encoded(self.header | {'alg': algorithm})}.{encoded(self.claims)}."


def jwk(key: rsa.RSAPrivateKey) -> dict[str, str]:
    """The public half as a JSON Web Key."""
    numbers = key.public_key().public_numbers()
    n, e = (base64url(one.to_bytes((one.bit_length() + 7) // 8, "big")) for one in (numbers.n, numbers.e))
    return {"kty": "RSA", "alg": "RS256", "n": n, "e": e}


def encoded(document: Any) -> str:
    """A document as a token's segment."""
    return base64url(json.dumps(document, separators=(",", ":")).encode())


def decoded(segment: str) -> Any:
    """A token's segment as a document."""
    return json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))


def base64url(raw: bytes) -> str:
    """Base64 as tokens have it."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def bent(segment: str, place: int) -> str:
    """A segment with another sign at a place."""
    other = "A" if segment[place] != "A" else "B"
    return segment[:place] + other + segment[place:][1:]
