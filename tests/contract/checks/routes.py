"""The HTTP API: nobody gets in without a token, no origin but ours, limits and logs on."""

import math

from tests.contract.kinds import Symbol
from tests.contract.project import Project, contract, referent, text

# Links in mails are opened without a token.
PUBLIC_PATHS = {"/unsubscribe"}
# The caller is known, and then counted.
COUNTED = {Symbol("campus.identity", "caller"), Symbol("campus.throttle", "admit")}
LINK = "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/unsubscribe"


@contract
def every_route_has_the_authorizer(project: Project) -> list[str]:
    """The default authorizer is set and no route but the unsubscribe link opts out of it."""
    auth = project.template.get("Globals", {}).get("HttpApi", {}).get("Auth", {})
    default = auth.get("DefaultAuthorizer")
    findings = [] if default and default in auth.get("Authorizers", {}) else ["Globals.HttpApi: no default authorizer"]
    for name, route in project.event_sources("HttpApi"):
        chosen = route.get("Auth", {}).get("Authorizer", default)
        if chosen != default and route.get("Path") not in PUBLIC_PATHS:
            findings.append(f"{name}: {route.get('Method')} {route.get('Path')} has authorizer {chosen}")
    return findings


@contract
def the_unsubscribe_link_needs_no_token(project: Project) -> list[str]:
    """A mail program follows the link of an announcement with GET or POST, and has no access token."""
    open_routes = {
        (str(route["Method"]), str(route["Path"]))
        for _, route in project.event_sources("HttpApi")
        if route.get("Auth") == {"Authorizer": "NONE"}
    }
    expected = {(method, path) for path in PUBLIC_PATHS for method in ("GET", "POST")}
    findings = [f"{' '.join(route)}: not open, or open beside the link" for route in sorted(open_routes ^ expected)]
    links = {text(project.environment(name).get("UNSUBSCRIBE_URL", LINK)) for name in project.functions}
    return findings + [f"the link in mails leads to {link}" for link in sorted(links - {LINK})]


@contract
def tokens_are_checked_against_issuer_and_audience(project: Project) -> list[str]:
    """Another pool's or another app's token is none."""
    auth = project.template.get("Globals", {}).get("HttpApi", {}).get("Auth", {})
    findings = []
    for name, authorizer in auth.get("Authorizers", {}).items():
        checked = authorizer.get("JwtConfiguration", {})
        findings += [f"{name}: no {key}" for key in ("issuer", "audience") if not checked.get(key)]
        if authorizer.get("IdentitySource") != "$request.header.Authorization":
            findings.append(f"{name}: token expected in {authorizer.get('IdentitySource')}")
    return findings


@contract
def routes_belong_to_the_one_api(project: Project) -> list[str]:
    """A route without ApiId would make a second API without our settings; no two functions share a route."""
    seen: dict[tuple[str, str], str] = {}
    findings = []
    for name, route in project.event_sources("HttpApi"):
        if referent(route.get("ApiId")) != "Api":
            findings.append(f"{name}: ApiId is not Api")
        key = (str(route.get("Method")), str(route.get("Path")))
        if key in seen:
            findings.append(f"{name}: {' '.join(key)} belongs to {seen[key]}")
        seen[key] = name
    return findings


@contract
def only_our_origin_may_call(project: Project) -> list[str]:
    """No wildcard in CORS; credentials and every origin would be an open door."""
    findings = []
    for name, api in project.resources("AWS::Serverless::HttpApi"):
        cors = api.get("CorsConfiguration", {})
        origins = cors.get("AllowOrigins", []) if isinstance(cors, dict) else ["*"]
        if not origins or any("*" in str(project.default(origin)) for origin in origins):
            findings.append(f"{name}: origins {origins}")
        used = {str(route["Method"]) for _, route in project.event_sources("HttpApi")}
        if isinstance(cors, dict) and not used <= set(cors.get("AllowMethods", [])):
            findings.append(f"{name}: CORS does not allow {sorted(used - set(cors.get('AllowMethods', [])))}")
    return findings


@contract
def the_api_is_throttled_and_logged(project: Project) -> list[str]:
    """A limit on every route, and an access log without paths, which carry student ids."""
    findings = []
    for name, api in project.resources("AWS::Serverless::HttpApi"):
        limits = api.get("DefaultRouteSettings", {})
        if not limits.get("ThrottlingBurstLimit") or not limits.get("ThrottlingRateLimit"):
            findings.append(f"{name}: not throttled")
        log = api.get("AccessLogSettings", {})
        if referent(log.get("DestinationArn")) not in dict(project.resources("AWS::Logs::LogGroup")):
            findings.append(f"{name}: no access log")
        personal = ("$context.path", "$context.authorizer.claims", "$context.identity.sourceIp")
        findings += [f"{name}: the access log keeps {word}" for word in personal if word in text(log.get("Format"))]
    return findings


@contract
def one_caller_cannot_use_up_the_api(project: Project) -> list[str]:
    """Every route with a token counts its caller's requests, whose limits lie below those of all callers together."""
    findings = []
    for _, api in project.resources("AWS::Serverless::HttpApi"):
        everybody = api.get("DefaultRouteSettings", {})
        for one, all_ in (("RequestsPerSecond", "ThrottlingRateLimit"), ("RequestBurst", "ThrottlingBurstLimit")):
            limit = project.template["Parameters"][one]["Default"]
            if limit >= everybody.get(all_, math.inf):
                findings.append(f"{one}: {limit} of one caller leaves nobody else any of {all_}")
    for name, route in project.event_sources("HttpApi"):
        if route.get("Path") not in PUBLIC_PATHS and COUNTED - project.effects(name).touched:
            findings.append(f"{name}: {route.get('Path')} does not count its caller's requests")
    return findings
