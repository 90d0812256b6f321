"""API Gateway HTTP APIs from an OpenAPI body, which is how SAM's `AWS::Serverless::HttpApi` declares its routes."""

import hashlib
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
