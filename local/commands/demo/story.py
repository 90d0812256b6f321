"""What happens in the demo: people and events through the API and the bus, a term by bulk load, a retraining."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from local.commands.demo.stage import Stage
from local.commands.instance import Instance
from local.commands.loading import describe, load_into
from local.commands.options import CommandError
from local.commands.reading import call, mails
from local.commands.retraining import watch
from local.term import Course, Student, Term, simulate

T = TypeVar("T")
_DAY = 86_400
_RETRAINING_SECONDS = 600
_ENROLLED = 6
# The class of the story; its students have come far enough in their field to take it.
_CLASS = "tin-4"


@dataclass(frozen=True)
class Cast:
    """Who plays: the term, the class of the story with its students, one who joins by a bare event, and tokens."""

    term: Term
    course: Course
    students: Sequence[Student]
    latecomer: Student
    admin: str
    teacher: str


def tell(stage: Stage, instance: Instance, directory: Path) -> None:
    """The whole story, on a fresh stack."""
    stage.say(f"every AWS service answers at {instance.endpoint}")
    stage.say(f"the school's API at {instance.outputs['ApiUrl']}")
    stage.fact("starting", instance.ready())
    cast = _cast(instance)
    _people(stage, instance, cast)
    _events(stage, instance, cast)
    _mails(stage, instance, cast)
    _rest_of_term(stage, instance, cast, directory)
    before = _ranking(
        stage, instance, cast, "Ranking before", "nothing is trained yet, so the API answers by popularity"
    )
    _retraining(stage, instance, cast)
    _compare(stage, instance, cast, before)


def _cast(instance: Instance) -> Cast:
    term = simulate(end=int(time.time()) // _DAY * _DAY)
    course = next(course for course in term.courses if course.class_id == _CLASS)
    taken = {one.student_id for one in term.happenings if one.class_id == _CLASS}
    studying = {one.student_id for one in term.happenings if one.class_id == "tin-3"}
    ready = [one for one in term.students if one.student_id in studying - taken]
    abroad = [student for student in ready if student.locale == "en"][:1]
    chosen = [*abroad, *(student for student in ready if student.locale == "vi")][: _ENROLLED + 1]
    if len(chosen) <= _ENROLLED:
        raise CommandError(f"the simulated term has too few students for {_CLASS}")
    return Cast(
        term,
        course,
        chosen[:-1],
        chosen[-1],
        instance.token("admin", "admin"),
        instance.token(course.teacher_id, "teacher"),
    )


def _people(stage: Stage, instance: Instance, cast: Cast) -> None:
    stage.chapter("People and classes", "PUT /students/{id} and PUT /classes/{id}, by the school's office")
    courses = [course for course in cast.term.courses if course.teacher_id == cast.course.teacher_id]
    for course in courses:
        materials = [{"itemId": one.item_id, "type": one.type, "title": one.title} for one in course.materials]
        body = {"title": course.title, "teachers": [course.teacher_id], "materials": materials}
        call(instance, "PUT", f"/classes/{course.class_id}", cast.admin, body)
    for student in (*cast.students, cast.latecomer):
        body = {"email": student.email, "displayName": student.name, "locale": student.locale}
        call(instance, "PUT", f"/students/{student.student_id}", cast.admin, body)
    stage.say(f"{len(courses)} classes of teacher {cast.course.teacher_id}: {', '.join(c.title for c in courses)}")
    stage.say(f"{len(cast.students) + 1} students: {', '.join(s.name for s in (*cast.students, cast.latecomer))}")


def _events(stage: Stage, instance: Instance, cast: Cast) -> None:
    stage.chapter("A school day", "through the HTTP API, and three bare events straight onto the bus")
    class_id, homework = cast.course.class_id, f"{cast.course.class_id}-bt1"
    for student in cast.students:
        call(instance, "POST", f"/classes/{class_id}/enrollments", cast.admin, {"studentId": student.student_id})
    stage.say(
        f"POST /classes/{class_id}/enrollments              {len(cast.students)} students enrol in {cast.course.title}"
    )
    handed_in = cast.students[:3]
    for student in handed_in:
        body = {
            "studentId": student.student_id,
            "classId": class_id,
            "fileUrl": f"https://files.example/{homework}.pdf",
        }
        call(instance, "POST", f"/assignments/{homework}/submissions", instance.token(student.student_id), body)
    stage.say(f"POST /assignments/{homework}/submissions       {len(handed_in)} of them hand in their homework")
    text = "Thứ Sáu tuần này lớp học ở phòng 204. Các em nhớ mang máy tính."
    call(instance, "POST", f"/classes/{class_id}/announcements", cast.teacher, {"content": text})
    stage.say(f"POST /classes/{class_id}/announcements            their teacher writes to all of them")
    # Whoever is enrolled when the announcement is fanned out gets it; the latecomer is to be later.
    so_far = 2 * len(cast.students) + len(handed_in)
    _eventually(lambda: len(mails(instance)), lambda count: count >= so_far, f"{so_far} mails")
    late = cast.latecomer.student_id
    _put_events(
        instance,
        ("api.student", "student.enrolled", {"studentId": late, "classId": class_id}),
        (
            "api.assignment",
            "student.submitAssignment",
            {"studentId": late, "fileUrl": f"https://files.example/{homework}.pdf"},
        ),
    )
    stage.say("student.enrolled, student.submitAssignment    by another system, as the specification writes them")
    _eventually(lambda: len(mails(instance, cast.latecomer.email)), lambda count: count >= 2, "the latecomer's mails")
    bare = {"teacherId": cast.course.teacher_id, "content": "Chúc mừng năm học mới!"}
    _put_events(instance, ("api.teacher", "teacher.sendAnnouncement", bare))
    stage.say("teacher.sendAnnouncement                      a bare one goes to all classes of the teacher")


def _put_events(instance: Instance, *events: tuple[str, str, Mapping[str, str]]) -> None:
    bus = instance.outputs["EventBusName"]
    answer = instance.client("events").put_events(
        Entries=[
            {
                "EventBusName": bus,
                "Source": source,
                "DetailType": kind,
                "Detail": json.dumps(detail, ensure_ascii=False),
            }
            for source, kind, detail in events
        ]
    )
    if answer["FailedEntryCount"]:
        raise CommandError(f"the bus refused {answer['FailedEntryCount']} of {len(events)} events")


def _mails(stage: Stage, instance: Instance, cast: Cast) -> None:
    stage.chapter("E-mails", "each sent once, however often its event is delivered")
    everybody = len(cast.students) + 1
    # An enrolment each, four receipts, the class's announcement, and the bare one to everybody.
    expected = everybody + 4 + len(cast.students) + everybody
    sent = _eventually(lambda: mails(instance), lambda found: len(found) >= expected, f"{expected} mails")
    subjects = Counter(mail["subject"] for mail in sent)
    stage.table(("subject", "mails"), [(subject, str(count)) for subject, count in subjects.most_common()])
    first = next(mail for mail in sent if mail["subject"] == "Xác nhận đăng ký lớp")
    stage.say(f"the first one, to {first['to']}:")
    stage.quote(first["text"].strip())
    stage.fact("mails", {"sent": len(sent), "bySubject": dict(subjects)})


def _rest_of_term(stage: Stage, instance: Instance, cast: Cast, directory: Path) -> None:
    term = cast.term
    stage.chapter("The rest of the term", "sixteen weeks of the whole school, by bulk load (`nightclass load`)")
    interactions = term.write_interactions(directory / "interactions.csv")
    report = load_into(instance, interactions, term.write_items(directory / "items.csv"))
    for line in describe(report).splitlines():
        stage.say(line)
    stage.fact("load", report.to_dict())


def _ranking(stage: Stage, instance: Instance, cast: Cast, title: str, what: str) -> Mapping[str, Any]:
    student = cast.students[-1]
    stage.chapter(title, what)
    token = instance.token(student.student_id)
    answer: Mapping[str, Any] = call(instance, "GET", f"/ranking/{student.student_id}?numResults=6", token)
    stage.say(f"GET /ranking/{student.student_id}   {student.name}: source {answer['source']}")
    stage.fact("ranking", {"answer": answer})
    return answer


def _retraining(stage: Stage, instance: Instance, cast: Cast) -> None:
    stage.chapter("Retraining", "POST /ranking/updates → ranking.requestUpdate → state machine")
    event_id = call(instance, "POST", "/ranking/updates", cast.admin, {"trigger": "demo"})["eventId"]
    states = instance.client("stepfunctions")
    machine = instance.outputs["StateMachineArn"]

    def started() -> str | None:
        for one in states.list_executions(stateMachineArn=machine)["executions"]:
            if event_id in states.describe_execution(executionArn=one["executionArn"])["input"]:
                return str(one["executionArn"])
        return None

    execution = _eventually(started, lambda found: found is not None, "the execution that was asked for")
    record = watch(instance, str(execution), _RETRAINING_SECONDS)
    if record["status"] != "PROMOTED":
        raise CommandError(f"the retraining ended as {record['status']}: {record['why']}")
    model, popular = record["metrics"]["recommendation"], record["baselineMetrics"]
    stage.say(f"run {record['runId']}: {record['status']} after {record['durations']['total']:.0f} s")
    stage.say("the model against popularity, on the same data (Personalize's own split):")
    names = {
        "normalized_discounted_cumulative_gain_at_10": "NDCG@10",
        "mean_reciprocal_rank_at_25": "MRR@25",
        "precision_at_5": "precision@5",
        "coverage": "coverage",
    }
    figures = [(name, f"{model[key]:.3f}", f"{popular[key]:.3f}") for key, name in names.items()]
    stage.table(("metric", "model", "popularity"), figures)
    stage.fact("retraining", {"record": record})


def _compare(stage: Stage, instance: Instance, cast: Cast, before: Mapping[str, Any]) -> None:
    after = _ranking(stage, instance, cast, "Ranking after", "the same request, now answered by the campaign")
    if after["source"] != "campaign":
        raise CommandError(f"the ranking still comes from {after['source']}")
    titles = cast.term.titles()
    student = cast.students[-1]
    latest = [titles[one.item_id] for one in cast.term.happenings if one.student_id == student.student_id][-3:]
    stage.say(f"their latest steps: {', '.join(latest)}")
    pairs = zip(before["recommendations"], after["recommendations"], strict=False)
    rows = [tuple(titles.get(one["itemId"], one["itemId"]) for one in pair) for pair in pairs]
    stage.table(("before: popular", f"after: model {after['modelVersion']}"), rows)


def _eventually(probe: Callable[[], T], enough: Callable[[T], bool], what: str, seconds: float = 90) -> T:
    deadline = time.monotonic() + seconds
    while not enough(value := probe()):
        if time.monotonic() > deadline:
            raise CommandError(f"waited {seconds:.0f} s in vain for {what}; last seen: {value!r}"[:300])
        threading.Event().wait(0.2)
    return value
