"""API Gateway HTTP APIs: routes from an OpenAPI body, as SAM's `AWS::Serverless::HttpApi` declares them, and tokens."""

import base64
import hashlib
import json
from typing import Any

_METHODS = {"get", "put", "post", "delete", "options", "head", "patch"}
_ANY = "x-amazon-apigateway-any-method"


def import_openapi_body() -> None:
    """Routes, integrations, authorizers and CORS of an HTTP API come from its OpenAPI body.

    AWS: `AWS::ApiGatewayV2::Api` with `Body` is an import; an update re-imports it.
    Emulator: ignores `Body`, so the API has no routes and answers 404 to everything.
    """
    from ministack.services.cloudformation import provisioners

    handler = provisioners._RESOURCE_HANDLERS["AWS::ApiGatewayV2::Api"]
    create, update = handler["create"], handler["update"]

    def create_api(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, str]]:
        api_id, attributes = create(logical_id, props, stack_name)
        _import_body(api_id, props.get("Body"))
        return api_id, attributes

    def update_api(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: str
    ) -> tuple[str, dict[str, str]]:
        api_id, attributes = update(physical_id, old, new, *rest)
        _import_body(api_id, new.get("Body"))
        return api_id, attributes

    handler.update(create=create_api, update=update_api)


def refuse_malformed_tokens() -> None:
    """A token is three segments of unpadded base64url, names an RSA algorithm and a key, and says when it ends.

    AWS: checks the algorithm, and that `exp` lies ahead; a token that is none is answered 401 ("Control access to HTTP
    APIs with JWT authorizers").
    Emulator: skips signs that are no base64 (so `Authorization: Bearer <token>` and a second, empty header pass
    together), reads no `alg`, lets a token without `exp` live for ever, and answers 500 where a claim has another type.
    """
    from ministack.services import apigateway

    validate = apigateway._validate_jwt_authorizer

    async def validated(
        route: dict[str, Any], authorizer: dict[str, Any], headers: dict[str, str], query: dict[str, Any]
    ) -> tuple[Any, Any, Any]:
        token = apigateway._extract_token_from_identity_source(authorizer.get("identitySource", []), headers, query)
        if not _well_formed(token or ""):
            return None, None, apigateway._jwt_unauthorized()
        identity: tuple[Any, Any, Any] = await validate(route, authorizer, headers, query)
        return identity

    apigateway._validate_jwt_authorizer = validated


def _well_formed(token: str) -> bool:
    try:
        header_text, claims_text, signature = map(_segment, token.split("."))
        header, claims = json.loads(header_text), json.loads(claims_text)
    except ValueError:
        return False
    if not (isinstance(header, dict) and isinstance(claims, dict) and signature):
        return False
    times = [claims.get("exp"), claims.get("nbf", 0), claims.get("iat", 0)]
    return header.get("alg") == "RS256" and all(type(time) in {int, float} for time in times)


def _segment(text: str) -> bytes:
    """Decode base64url as RFC 7515 writes it: no padding, no other sign, no bits left over.

    Raises:
        ValueError: it is none.
    """
    decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if base64.urlsafe_b64encode(decoded).decode().rstrip("=") != text:
        raise ValueError("not the only way to write it")
    return decoded


def _import_body(api_id: str, body: dict[str, Any] | None) -> None:
    """Replace what `api_id` routes to by what the OpenAPI document says."""
    from ministack.services import apigateway

    if not body:
        return
    authorizers = {
        name: _authorizer(name, scheme["x-amazon-apigateway-authorizer"])
        for name, scheme in body.get("components", {}).get("securitySchemes", {}).items()
        if "x-amazon-apigateway-authorizer" in scheme
    }
    integrations: dict[str, Any] = {}
    routes: dict[str, Any] = {}
    for path, operations in body.get("paths", {}).items():
        for method, operation in operations.items():
            if method not in _METHODS | {_ANY}:
                continue
            key = "$default" if path == "/$default" else f"{'ANY' if method == _ANY else method.upper()} {path}"
            integration = _integration(key, operation["x-amazon-apigateway-integration"])
            integrations[integration["integrationId"]] = integration
            route = _route(key, integration["integrationId"], operation.get("security", []), authorizers)
            routes[route["routeId"]] = route
    apigateway._authorizers[api_id] = {one["authorizerId"]: one for one in authorizers.values()}
    apigateway._integrations[api_id] = integrations
    apigateway._routes[api_id] = routes
    if cors := body.get("x-amazon-apigateway-cors"):
        apigateway._apis[api_id]["corsConfiguration"] = cors
    else:
        apigateway._apis[api_id].pop("corsConfiguration", None)


def _authorizer(name: str, declared: dict[str, Any]) -> dict[str, Any]:
    if declared.get("type") != "jwt":
        raise ValueError(f"authorizer {name}: only JWT authorizers are emulated")
    sources = declared.get("identitySource", "$request.header.Authorization")
    return {
        "authorizerId": _id(name),
        "authorizerType": "JWT",
        "name": name,
        "identitySource": [sources] if isinstance(sources, str) else sources,
        "jwtConfiguration": declared["jwtConfiguration"],
    }


def _integration(route_key: str, declared: dict[str, Any]) -> dict[str, Any]:
    return {
        "integrationId": _id(f"integration {route_key}"),
        "integrationType": declared["type"].upper(),
        "integrationUri": declared["uri"],
        "integrationMethod": declared.get("httpMethod", "POST"),
        "payloadFormatVersion": declared.get("payloadFormatVersion", "2.0"),
        "timeoutInMillis": declared.get("timeoutInMillis", 30000),
    }


def _route(
    key: str, integration_id: str, security: list[dict[str, list[str]]], authorizers: dict[str, Any]
) -> dict[str, Any]:
    """A route; a scheme without an authorizer (SAM writes `NONE`) leaves it open."""
    name, scopes = next(
        ((name, scopes) for one in security for name, scopes in one.items() if name in authorizers), ("", [])
    )
    return {
        "routeId": _id(f"route {key}"),
        "routeKey": key,
        "target": f"integrations/{integration_id}",
        "authorizationType": "JWT" if name else "NONE",
        "authorizerId": authorizers[name]["authorizerId"] if name else None,
        "authorizationScopes": scopes,
    }


def _id(name: str) -> str:
    """The same id for the same name, so that a redeployment changes nothing it need not."""
    return hashlib.sha256(name.encode()).hexdigest()[:8]
