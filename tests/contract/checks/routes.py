"""The HTTP API: nobody gets in without a token, no origin but ours, limits and logs on."""

import json
import math
import re

from tests.contract.kinds import Symbol
from tests.contract.project import Project, contract, referent, text

# Links in mails are opened without a token.
PUBLIC_PATHS = {"/unsubscribe"}
# The caller is known, and then counted.
COUNTED = {Symbol("campus.identity", "caller"), Symbol("campus.throttle", "admit")}
# What requests are counted and timed by.
LOGGED = {
    f"$context.{word}"
    for word in ("requestId", "requestTimeEpoch", "routeKey", "status", "responseLatency", "authorizer.error")
}
API_GIVES_UP = 30
LINK = "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/unsubscribe"


@contract
def every_route_has_the_authorizer(project: Project) -> list[str]:
    """The default authorizer is set and no route but the unsubscribe link opts out of it."""
    auth = project.template.get("Globals", {}).get("HttpApi", {}).get("Auth", {})
    default = auth.get("DefaultAuthorizer")
    findings = [] if default and default in auth.get("Authorizers", {}) else ["Globals.HttpApi: no default authorizer"]
    findings += [
        f"{name}: an Auth of its own goes before that of Globals"
        for name, api in project.resources("AWS::Serverless::HttpApi")
        if "Auth" in api
    ]
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
        used = {str(route.get("Method")) for _, route in project.event_sources("HttpApi")}
        allowed = set(cors.get("AllowMethods", [])) if isinstance(cors, dict) else {"*"}
        findings += [f"{name}: CORS and the routes do not agree on {method}" for method in sorted(used ^ allowed)]
    return findings


@contract
def the_api_is_throttled_and_logged(project: Project) -> list[str]:
    """A limit on every route, and an access log."""
    findings = []
    for name, api in project.resources("AWS::Serverless::HttpApi"):
        limits = api.get("DefaultRouteSettings", {})
        if not limits.get("ThrottlingBurstLimit") or not limits.get("ThrottlingRateLimit"):
            findings.append(f"{name}: not throttled")
        log = api.get("AccessLogSettings", {})
        if referent(log.get("DestinationArn")) not in dict(project.resources("AWS::Logs::LogGroup")):
            findings.append(f"{name}: no access log")
    return findings


@contract
def the_access_log_names_nobody(project: Project) -> list[str]:
    """It says which route answered what and how fast; a path, a claim or an address would name a student."""
    findings = []
    for name, api in project.resources("AWS::Serverless::HttpApi"):
        form = text(api.get("AccessLogSettings", {}).get("Format"))
        try:
            json.loads(form)
        except ValueError:
            findings.append(f"{name}: the access log is no JSON, so that no saved query reads it")
        logged = set(re.findall(r"\$context[\w.]*", form))
        findings += [f"{name}: the access log keeps {word}" for word in sorted(logged - LOGGED)]
        findings += [f"{name}: the access log lacks {word}" for word in sorted(LOGGED - logged)]
    return findings


@contract
def the_api_waits_for_its_functions(project: Project) -> list[str]:
    """An HTTP API gives up after 30 s; a function that goes on answers nobody, and is paid for."""
    findings = []
    for name, _ in project.event_sources("HttpApi"):
        timeout = project.functions[name].get("Timeout", project.function_globals.get("Timeout"))
        if not isinstance(timeout, int) or not 1 <= timeout < API_GIVES_UP:
            findings.append(f"{name}: may take {timeout} s, and its caller waits {API_GIVES_UP} s")
    return findings


@contract
def one_caller_cannot_use_up_the_api(project: Project) -> list[str]:
    """Every route with a token counts its caller's requests, whose limits lie below those of all callers together."""
    findings = []
    for _, api in project.resources("AWS::Serverless::HttpApi"):
        everybody = api.get("DefaultRouteSettings", {})
        for one, all_ in (("RequestsPerSecond", "ThrottlingRateLimit"), ("RequestBurst", "ThrottlingBurstLimit")):
            limit = project.template["Parameters"][one].get("Default", math.inf)
            if limit >= everybody.get(all_, math.inf):
                findings.append(f"{one}: {limit} of one caller leaves nobody else any of {all_}")
    for name, route in project.event_sources("HttpApi"):
        if route.get("Path") not in PUBLIC_PATHS and COUNTED - project.effects(name).touched:
            findings.append(f"{name}: {route.get('Path')} does not count its caller's requests")
    return findings
