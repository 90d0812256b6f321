"""Templates to answers: language, escaping, and how times, numbers and JSON are written."""

import json
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import ChainableUndefined, Environment, PackageLoader
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from local.console.sentences import sentence
from local.console.sources import Sources
from local.console.texts import LANGUAGES, translated

PAGES: Final = (
    ("/", "Overview"),
    ("/retraining", "Retraining"),
    ("/mailbox", "Mailbox"),
    ("/events", "Events"),
    ("/rankings", "Rankings"),
    ("/model", "Model"),
)
_COOKIE: Final = "lang"


def render(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:  # noqa: ANN401
    """A page in the reader's language."""
    language = language_of(request)
    html = _ENVIRONMENT.get_template(template).render(
        request=request,
        language=language,
        _=lambda text, **fields: translated(language, text).format(**fields) if fields else translated(language, text),
        said=lambda text: sentence(language, text),
        pages=PAGES,
        path=request.url.path,
        token=request.scope["token"],
        other_language=_with(request, lang="en" if language == "vi" else "vi"),
        **values,
    )
    # Half a character (a lone surrogate) can stand in JSON, but in no page.
    answer = HTMLResponse(html.encode(errors="replace"), status)
    if request.query_params.get("lang") in LANGUAGES:
        answer.set_cookie(_COOKIE, language, samesite="strict", httponly=True)
    return answer


def sources_of(request: Request) -> Sources:
    """What the pages read."""
    sources: Sources = request.app.state.sources
    return sources


def refused(request: Request, why: str) -> Response:
    """A form that asks for what there is not."""
    return render(request, "message.html", status=400, title="That did not work", message=why)


def missing(request: Request) -> Response:
    """There is nothing at this address."""
    return render(request, "message.html", status=404, title="Not found", message="There is no such page.")


def see(path: str, **query: str | None) -> Response:
    """Go to another page after a form."""
    given = {name: value for name, value in query.items() if value is not None}
    return RedirectResponse(path + (f"?{urlencode(given, errors='replace')}" if given else ""), 303)


def language_of(request: Request) -> str:
    """Vi or en: what was chosen, or else what the browser prefers."""
    for wanted in (request.query_params.get("lang"), request.cookies.get(_COOKIE)):
        if wanted in LANGUAGES:
            return wanted
    preferred = request.headers.get("accept-language", "").lower()
    for part in preferred.split(","):
        if (code := part.strip()[:2]) in LANGUAGES:
            return code
    return "en"


def _with(request: Request, **query: str) -> str:
    return f"{request.url.path}?{urlencode({**request.query_params, **query})}"


def _time(instant: Any) -> Markup:  # noqa: ANN401 - epoch seconds, ISO text, or what somebody wrote instead
    """An instant on this machine's clock; with its day unless that is today. What is no instant stays as it is."""
    if instant is None or instant == "":
        return Markup("–")
    try:
        at = datetime.fromisoformat(instant) if isinstance(instant, str) else datetime.fromtimestamp(instant, UTC)
        at = at.astimezone()
    except (ValueError, TypeError, OverflowError, OSError):
        return Markup("{}").format(instant)
    today = at.date() == datetime.now().astimezone().date()
    shown = at.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M")
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(timespec="seconds"), shown)


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def _thousands(number: object) -> str:
    """Thousands apart by a narrow space, as both languages can read it."""
    return f"{number:,}".replace(",", "\u202f") if isinstance(number, (int, float)) else "–"


def _decimal(number: object, digits: int = 4) -> str:
    return f"{number:.{digits}f}" if isinstance(number, (int, float)) else "–"


def _pretty(value: Any) -> str:  # noqa: ANN401 - JSON, or JSON text
    """JSON over several lines; other text as it is."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return str(value)
    try:
        return json.dumps(value, ensure_ascii=False, indent=2, default=str)
    except RecursionError:
        return str(value)


def _query(**query: object) -> str:
    return urlencode({name: value for name, value in query.items() if value not in (None, "")}, errors="replace")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("local.console"),
        autoescape=True,
        # Rows have what their writers knew: what is not there is shown as nothing.
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        {"time": _time, "duration": _duration, "pretty": _pretty, "thousands": _thousands, "decimal": _decimal}
    )
    environment.globals["query"] = _query
    return environment


_ENVIRONMENT: Final = _environment()
