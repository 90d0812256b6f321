"""Who may do what on every route of the template, over HTTP: everybody tries everything."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import pytest

from local.commands.instance import Instance
from tests.contract.project import Project
from tests.stack import Answer, Stack

# Of a refusal: what differs from one answer to the next whatever was asked.
VARYING = {"date", "apigw-requestid", "x-amzn-requestid", "x-amz-request-id", "x-amz-id-2"}
CALLERS = ("nobody", "student 1", "student 2", "teacher", "other teacher", "admin")

# Targets by column. `own` is student 1 and the class that student 1 is in and the teacher teaches; `other` is student 2
# and the class of both others; `encoded` is `own` with a percent sign, `case` with capitals; `double` is encoded twice.
STUDENT_RANKING = """
                own  other  absent  encoded  double  case
nobody          401  401    401     401      401     401
student 1       200  403    403     200      400     403
student 2       403  200    403     403      400     403
teacher         200  403    403     200      400     403
other teacher   403  200    403     403      400     403
admin           200  200    200     200      400     200
"""
CLASS_RANKING = """
                own  other  absent  encoded  double  case
nobody          401  401    401     401      401     401
student 1       200  403    403     200      400     403
student 2       403  200    403     403      400     403
teacher         200  403    403     200      400     403
other teacher   403  200    403     403      400     403
admin           200  200    404     200      400     404
"""
# Students enrol themselves, wherever there is a class.
ENROL_MYSELF = """
                own  other  absent  encoded  double  case
student 1       202  202    404     202      400     404
student 2       202  202    404     202      400     404
"""
# The student is in the body, where nothing is decoded.
ENROL_SOMEBODY = """
                own  other  absent  encoded  double  case
nobody          401  401    401     401      401     401
student 1       202  403    403     400      400     403
student 2       403  202    403     400      400     403
teacher         403  403    403     400      400     403
other teacher   403  403    403     400      400     403
admin           202  202    404     400      400     404
"""
# The class and the student are in the body, the student is of the class.
SUBMIT = """
                own  other  absent  encoded  double  case
nobody          401  401    401     401      401     401
student 1       202  403    403     400      400     403
student 2       403  202    403     400      400     403
teacher         202  403    403     400      400     403
other teacher   403  202    403     400      400     403
admin           202  202    404     400      400     404
"""
ANNOUNCE = """
                own  other  absent  encoded  double  case
nobody          401  401    401     401      401     401
student 1       403  403    403     403      400     403
student 2       403  403    403     403      400     403
teacher         202  403    403     202      400     403
other teacher   403  202    403     403      400     403
admin           202  202    404     202      400     404
"""
# Whoever is no admin is refused before the id is read.
ADMINS_ONLY = """
                own  other  absent  encoded  double  case
nobody          401  401    401     401      401     401
student 1       403  403    403     403      403     403
student 2       403  403    403     403      403     403
teacher         403  403    403     403      403     403
other teacher   403  403    403     403      403     403
admin           200  200    200     200      400     200
"""
# Asked for without the body it needs, so that no night begins: whoever may gets as far as that.
STAFF_ONLY = """
                once
nobody          401
student 1       403
student 2       403
teacher         400
other teacher   400
admin           400
"""
# The link of a mail: the signature in it is the permission.
OPEN = """
                once
nobody          400
student 1       400
student 2       400
teacher         400
other teacher   400
admin           400
"""

Send = Callable[["School", str, str], Answer]


@dataclass
class School:
    """Two classes with a student and a teacher each, under names of this school alone."""

    stack: Stack
    name: str
    tokens: Mapping[str, str | None]

    def id(self, kind: str, target: str) -> str:
        """The id that a column means, as it goes into a path."""
        own, other = f"{kind}-{self.name}-1", f"{kind}-{self.name}-2"
        ids = {"other": other, "absent": f"{kind}-{self.name}-9", "case": own.upper()}
        return {**ids, "encoded": own.replace("-", "%2D"), "double": own.replace("-", "%252D")}.get(target, own)

    def call(self, caller: str, method: str, path: str, body: object = None) -> Answer:
        return self.stack.call(method, path, body, token=self.tokens[caller])


def read(path: str, kind: str) -> Send:
    return lambda school, caller, target: school.call(caller, "GET", path.format(school.id(kind, target)))


def write(method: str, path: str, kind: str, body: object) -> Send:
    return lambda school, caller, target: school.call(caller, method, path.format(school.id(kind, target)), body)


def enrol_myself(school: School, caller: str, target: str) -> Answer:
    body = {"studentId": school.id("sv", "own" if caller == "student 1" else "other")}
    return school.call(caller, "POST", f"/classes/{school.id('lop', target)}/enrollments", body)


def enrol_somebody(school: School, caller: str, target: str) -> Answer:
    body = {"studentId": school.id("sv", target)}
    return school.call(caller, "POST", f"/classes/{school.id('lop', 'own')}/enrollments", body)


def submit(school: School, caller: str, target: str) -> Answer:
    student = school.id("sv", "other" if target == "other" else "own")
    if caller == "student 1" and target == "other":
        student = school.id("sv", "own")  # their own work, for a class that they are not in
    body = {"studentId": student, "classId": school.id("lop", target), "fileUrl": "https://files.example/hw1.pdf"}
    return school.call(caller, "POST", "/assignments/hw1/submissions", body)


ROUTES: dict[str, list[tuple[Send, str]]] = {
    "GET /ranking/{userId}": [(read("/ranking/{}", "sv"), STUDENT_RANKING)],
    "POST /ranking/{userId}": [(write("POST", "/ranking/{}", "sv", {"itemIds": ["a"]}), STUDENT_RANKING)],
    "GET /classes/{classId}/ranking": [(read("/classes/{}/ranking", "lop"), CLASS_RANKING)],
    "POST /classes/{classId}/enrollments": [(enrol_somebody, ENROL_SOMEBODY), (enrol_myself, ENROL_MYSELF)],
    "POST /assignments/{assignmentId}/submissions": [(submit, SUBMIT)],
    "POST /classes/{classId}/announcements": [
        (write("POST", "/classes/{}/announcements", "lop", {"content": "x"}), ANNOUNCE)
    ],
    "POST /ranking/updates": [
        (lambda school, caller, _: school.call(caller, "POST", "/ranking/updates", {"trigger": " "}), STAFF_ONLY)
    ],
    "PUT /students/{studentId}": [(write("PUT", "/students/{}", "sv", {"email": "x@truong.example"}), ADMINS_ONLY)],
    "PUT /classes/{classId}": [(write("PUT", "/classes/{}", "lop", {"title": "Lớp"}), ADMINS_ONLY)],
    "GET /unsubscribe": [(lambda school, caller, _: school.call(caller, "GET", "/unsubscribe"), OPEN)],
    "POST /unsubscribe": [(lambda school, caller, _: school.call(caller, "POST", "/unsubscribe"), OPEN)],
}


# In a school of their own: who enrols elsewhere may be read by the teachers there, and what is put is absent no more.
APART = {"POST /classes/{classId}/enrollments": "ghi-danh", "PUT /classes/{classId}": "mo-lop"}


def declared() -> set[str]:
    """The routes of the template."""
    return {f"{route['Method']} {route['Path']}" for _, route in Project.read().event_sources("HttpApi")}


def expected(table: str) -> Iterator[tuple[str, str, int]]:
    """Caller, target and status of every cell."""
    head, *rows = table.strip("\n").splitlines()
    for row in rows:
        caller, cells = row[:16].strip(), row[16:].split()
        for target, cell in zip(head.split(), cells, strict=True):
            yield caller, target, int(cell)


def test_every_route_of_the_template_has_a_matrix() -> None:
    assert declared() == set(ROUTES)


@pytest.fixture(scope="module")
def schools(stack: Stack) -> Callable[[str], School]:
    """The school of a name, founded when it is first asked for."""
    return cache(partial(found, stack))


def found(stack: Stack, name: str) -> School:
    instance = Instance.of(stack.state_dir)
    tokens: dict[str, str | None] = {"nobody": None, "admin": instance.token("quan-tri-quyen", "admin")}
    for n, (student, teacher) in enumerate((("student 1", "teacher"), ("student 2", "other teacher")), 1):
        tokens[student] = instance.token(f"sv-{name}-{n}", "student")
        tokens[teacher] = instance.token(f"gv-{name}-{n}", "teacher")
    school = School(stack, name, tokens)
    for n in (1, 2):
        student, path = f"sv-{name}-{n}", f"/classes/lop-{name}-{n}"
        assert school.call("admin", "PUT", f"/students/{student}", {"email": f"{student}@truong.example"}).status == 200
        assert school.call("admin", "PUT", path, {"title": "Lớp", "teachers": [f"gv-{name}-{n}"]}).status == 200
        assert school.call(f"student {n}", "POST", f"{path}/enrollments", {"studentId": student}).status == 202
    return school


@pytest.mark.parametrize("route", ROUTES)
def test_everybody_may_do_what_is_theirs_and_learns_nothing_else(
    schools: Callable[[str], School], route: str, record_property: Callable[[str, object], None]
) -> None:
    """All refusals of a caller are one and the same answer, whether the id is foreign or absent."""
    school = schools(APART.get(route, "quyen"))
    refusals: dict[int, list[tuple[Any, Any]]] = {401: [], 403: []}
    differing, tried = [], 0
    for send, table in ROUTES[route]:
        for caller, target, status in expected(table):
            answer, tried = send(school, caller, target), tried + 1
            if answer.status != status:
                differing.append(f"{caller}, {target}: {answer.status} instead of {status} ({answer.body})")
            headers = {name: value for name, value in answer.headers.items() if name not in VARYING}
            refusals.get(answer.status, []).append((answer.body, headers))
            if answer.status != 401 and route.split()[1] != "/unsubscribe":
                assert answer.headers["cache-control"] == "private, no-store"
    assert not differing
    for kind in refusals.values():
        assert all(one == kind[0] for one in kind)
    record_property(
        "access", f"{route}: {tried} attempts, {len(refusals[403])} refused alike, {len(refusals[401])} unknown"
    )
