"""Retraining: the state machine drawn and lit, each state's input and output, the runs, the buttons."""

import time
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.console.rendering import missing, refused, render, see, sources_of
from local.console.sources.runs import MACHINES

_REQUESTS: Final[Mapping[str, Mapping[str, object]]] = {
    "start": {"trigger": "manual", "force": False},
    "force": {"trigger": "manual", "force": True},
    "rollback": {"trigger": "rollback"},
    "park": {"trigger": "park"},
    "unpark": {"trigger": "unpark"},
}


def show(request: Request) -> Response:
    """`?machine=retraining|erasure&run=<execution>&state=<name>`; without a run, the latest."""
    sources = sources_of(request)
    machine = request.query_params.get("machine", "retraining")
    if machine not in MACHINES:
        return see("/retraining")
    recent = sources.runs.recent(machine)
    name = request.query_params.get("run") or (recent[0]["name"] if recent else None)
    run = sources.runs.execution(machine, name) if name else None
    if request.query_params.get("run") and run is None:
        return missing(request)
    drawing = sources.runs.drawing(machine)
    wanted = request.query_params.get("state")
    state = next((box.state for box in drawing.boxes if box.state.name == wanted), None)
    return render(
        request,
        "retraining.html",
        machine=machine,
        drawing=drawing,
        recent=recent,
        run=run,
        record=next((one["record"] for one in recent if run and one["name"] == run.name), None) or (run and run.record),
        state=state,
        untold=run.untold(box.state for box in drawing.boxes) if run else set(),
        now=run.end() if run else time.time(),
        schedule=sources.runs.schedule(),
    )


def act(request: Request) -> Response:
    """A button: scheduled, start, force, resume, rollback, park or unpark; then the new execution."""
    sources = sources_of(request)
    form = request.scope["form"]
    action = form.get("action", "")
    if action == "scheduled":
        try:
            return see("/retraining", run=sources.runs.start_as_scheduled())
        except LookupError as error:
            return refused(request, str(error))
    if action == "resume" and form.get("run_id"):
        wanted: Mapping[str, object] = {"trigger": "manual", "force": False, "runId": form["run_id"]}
    elif action in _REQUESTS:
        wanted = _REQUESTS[action]
    else:
        return refused(request, "There is no such action.")
    return see("/retraining", run=sources.runs.start(wanted))


ROUTES: Final = [Route("/retraining", show), Route("/retraining", act, methods=["POST"])]
