"""Rankings: a student's history beside what they are recommended; a class by engagement."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local.console.rendering import missing, render, sources_of

_STUDENTS: Final = 25
_HISTORY: Final = 20
_TYPES: Final = ("course", "document", "quiz")


def show(request: Request) -> Response:
    """`?student=<id>&type=…`, `?class=<id>`, or everybody page by page (`&more=`)."""
    sources, query = sources_of(request), request.query_params
    if student_id := query.get("student", "").strip():
        return _student(request, student_id)
    if class_id := query.get("class", "").strip():
        titles = {one["classId"]: one["title"] for one in sources.rankings.classes()}
        answer = sources.rankings.class_ranking(class_id)
        return render(
            request, "class_ranking.html", class_id=class_id, title=titles.get(class_id, class_id), answer=answer
        )
    return render(
        request,
        "rankings.html",
        page=sources.rankings.students(_STUDENTS, query.get("more")),
        classes=sources.rankings.classes(),
    )


def _student(request: Request, student_id: str) -> Response:
    sources, query = sources_of(request), request.query_params
    history = sources.rankings.history(student_id, _HISTORY, query.get("more"))
    student = sources.rankings.student(student_id)
    if student is None and not history.rows:
        return missing(request)
    kind = query.get("type") if query.get("type") in _TYPES else None
    answer = sources.rankings.recommendations(student_id, kind)
    items = [row.get("itemId") for row in (*history.rows, *answer.get("recommendations", []))]
    return render(
        request,
        "student.html",
        student_id=student_id,
        student=student or {},
        history=history,
        answer=answer,
        titles=sources.rankings.titles(items),
        kind=kind or "",
        types=_TYPES,
    )


ROUTES: Final = [Route("/rankings", show)]
