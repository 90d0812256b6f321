"""Attacks on access tokens: each on a route that the genuine token opens, and each answered 401."""

import http.client
import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from local.commands.instance import Instance
from tests.forgery import Forger, bent, encoded, jwk
from tests.stack import Stack

USER = "sv-token"
PATH = f"/ranking/{USER}"


@pytest.fixture(scope="module")
def forger(stack: Stack) -> Forger:
    instance = Instance.of(stack.state_dir)
    return Forger.of(stack.state_dir, instance.outputs["UserPoolId"], instance.token(USER))


def status(stack: Stack, *authorizations: str, path: str = PATH) -> int:
    """What a request with these Authorization headers is answered."""
    base = urlsplit(stack.ready["apiUrl"].rstrip("/"))
    connection = http.client.HTTPConnection(base.netloc, timeout=40)
    try:
        connection.putrequest("GET", base.path + path)
        for value in authorizations:
            connection.putheader("Authorization", value)
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


def stranger() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def with_own_key(forger: Forger, *, at: str) -> str:
    """A token that brings along the key it is signed with."""
    own = stranger()
    carried = {"jwk": jwk(own)} if at == "jwk" else {"jku": "https://evil.example/jwks.json"}
    return forger.signed(forger.header | carried, key=own)


def resigned(forger: Forger, place: int) -> str:
    header, claims, signature = forger.genuine.split(".")
    return f"{header}.{claims}.{bent(signature, place)}"


def promoted(forger: Forger) -> str:
    """The genuine signature under claims that make the student an admin."""
    header, _, signature = forger.genuine.split(".")
    return f"{header}.{encoded(forger.claims | {'cognito:groups': ['admin']})}.{signature}"


def now() -> int:
    return int(time.time())


FORGED: dict[str, Callable[[Forger], str]] = {
    "alg none": lambda by: by.unsigned("none"),
    "alg None": lambda by: by.unsigned("None"),
    "no signature": lambda by: by.unsigned("RS256"),
    "HS256, public key as PEM": lambda by: by.keyed(by.public_pem),
    "HS256, public key as PEM, stripped": lambda by: by.keyed(by.public_pem.strip()),
    "HS256, public key as JWK": lambda by: by.keyed(str(by.public_jwk).replace("'", '"').encode()),
    "HS256, modulus of the public key": lambda by: by.keyed(by.public_jwk["n"].encode()),
    "HS256, empty secret": lambda by: by.keyed(b""),
    "a stranger's key": lambda by: by.signed(key=stranger()),
    "a stranger's key, carried along": lambda by: with_own_key(by, at="jwk"),
    "a stranger's key, at an address": lambda by: with_own_key(by, at="jku"),
    "no kid": lambda by: by.signed({"alg": "RS256"}),
    "unknown kid": lambda by: by.signed(by.header | {"kid": "nobody"}),
    "kid of another type": lambda by: by.signed(by.header | {"kid": ["x"]}),
    "kid as a path": lambda by: by.signed(by.header | {"kid": "../../../../dev/null"}),
    "header says HS256, signed by RS256": lambda by: by.signed(by.header | {"alg": "HS256"}),
    "header is a list": lambda by: by.signed([by.header]),
    "claims are a list": lambda by: by.signed(claims=[by.claims]),
    "another issuer": lambda by: by.claiming(iss="https://evil.example"),
    "another pool": lambda by: by.claiming(iss=by.claims["iss"] + "x"),
    "no issuer": lambda by: by.claiming("iss"),
    "another client": lambda by: by.claiming(client_id="other"),
    "another audience": lambda by: by.claiming(aud="other"),
    "no client": lambda by: by.claiming("client_id"),
    "an ID token": lambda by: by.claiming("client_id", aud=by.claims["client_id"], token_use="id"),
    "another use": lambda by: by.claiming(token_use="refresh"),
    "no use": lambda by: by.claiming("token_use"),
    "no user": lambda by: by.claiming("username"),
    "expired": lambda by: by.claiming(exp=now() - 1, iat=now() - 60),
    "never expires": lambda by: by.claiming("exp"),
    "expires in words": lambda by: by.claiming(exp="tomorrow"),
    "not yet valid": lambda by: by.claiming(nbf=now() + 300),
    "issued tomorrow": lambda by: by.claiming(iat=now() + 86_400),
    "an admin's claims, the student's signature": promoted,
    "first sign of the signature bent": lambda by: resigned(by, 0),
    "last sign of the signature bent": lambda by: resigned(by, len(by.genuine.split(".")[2]) - 1),
    "no base64 in the signature": lambda by: by.genuine + "!",
    "padded": lambda by: by.genuine + "==",
    "two segments": lambda by: by.genuine.rpartition(".")[0],
    "four segments": lambda by: by.genuine + ".x",
    "empty": lambda by: "",
    "dots": lambda by: "..",
    "garbage": lambda by: "%PDF-1.7.%.%",
}
SENT: dict[str, Callable[[str], Sequence[str]]] = {
    "no header": lambda token: [],
    "wrong scheme": lambda token: [f"Basic {token}"],
    "two schemes": lambda token: [f"Bearer Bearer {token}"],
    "twice the token": lambda token: [f"Bearer {token}", f"Bearer {token}"],
    "the token, then nothing": lambda token: [f"Bearer {token}", ""],
    "nothing, then the token": lambda token: ["", f"Bearer {token}"],
    "the token, then garbage": lambda token: [f"Bearer {token}", "Bearer x"],
    "two in one": lambda token: [f"Bearer {token}, Bearer {token}"],
}


def test_the_genuine_token_opens_the_route_and_so_does_one_signed_alike(stack: Stack, forger: Forger) -> None:
    assert status(stack, f"Bearer {forger.genuine}") == 200
    assert status(stack, f"Bearer {forger.signed()}") == 200
    assert status(stack, f"Bearer {forger.claiming(nbf=now() - 1)}") == 200


@pytest.mark.parametrize("attack", FORGED)
def test_a_forged_token_is_none(stack: Stack, forger: Forger, attack: str) -> None:
    assert status(stack, f"Bearer {FORGED[attack](forger)}") == 401


@pytest.mark.parametrize("attack", SENT)
def test_a_genuine_token_sent_otherwise_is_none(stack: Stack, forger: Forger, attack: str) -> None:
    assert status(stack, *SENT[attack](forger.genuine)) == 401


@pytest.mark.parametrize("name", ["access_token", "token", "authorization", "Authorization"])
def test_a_token_in_the_address_is_none(stack: Stack, forger: Forger, name: str) -> None:
    assert status(stack, path=f"{PATH}?{name}={forger.genuine}") == 401


def test_every_attack_is_counted(record_property: Callable[[str, object], None]) -> None:
    record_property("access", f"{len(FORGED) + len(SENT) + 4} attacks on tokens, all of them answered 401")
