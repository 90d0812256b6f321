"""People and classes as an admin declares them: upserts that may be repeated and never touch enrolments or scores."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from campus import clock, tables, tombstones, validation
from campus.http import Request
from campus.identity import ForbiddenError
from campus.validation import InvalidInputError

LOCALES = ("vi", "en")
ITEM_TYPES = ("course", "document", "quiz", "assignment")
MAX_TEACHERS = 50
MAX_MATERIALS = 200
# What SES takes without SMTPUTF8 and IDNA: an ASCII dot-atom of at most 64 signs at a domain with a dot.
_EMAIL = re.compile(
    r"(?=.{3,254}\Z)(?=[^@]{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)


def put_student(request: Request) -> dict[str, str]:
    """Create or change a student; a display name or locale that is not given stays as it was.

    Returns:
        What is stored: studentId, email, displayName, locale, status.

    Raises:
        InvalidInputError: a bad field; nothing was written.
        ForbiddenError: the caller is no admin.
    """
    _require_admin(request)
    student_id = validation.identifier(request.path, "studentId")
    given = {"email": _email(request.body)}
    if request.body.get("displayName") is not None:
        given["displayName"] = _line(request.body, "displayName")
    if request.body.get("locale") is not None:
        given["locale"] = validation.choice(request.body, "locale", LOCALES)
    if tombstones.is_erased(student_id):
        raise InvalidInputError("studentId was erased: for 90 days its late events are ignored, so take another one")
    kept = {"displayName": student_id, "locale": "vi", "status": "ACTIVE", "createdAt": clock.iso(clock.now())}
    stored = _upsert(tables.students(), {"studentId": student_id}, given, kept)
    return {name: str(stored[name]) for name in ("studentId", "email", "displayName", "locale", "status")}


def put_class(request: Request) -> dict[str, Any]:
    """Create or change a class.

    `teachers`, where given, are from now on the teachers of the class; `materials` are added or changed, none is
    removed, because their popularity and history hang on them. Every class is an item itself, of type course.

    Returns:
        What is stored: classId, title, teachers, materials (without the class itself).

    Raises:
        InvalidInputError: a bad field; nothing was written.
        ForbiddenError: the caller is no admin.
    """
    _require_admin(request)
    class_id = validation.identifier(request.path, "classId")
    title = _line(request.body, "title")
    teachers = _teachers(request.body) if request.body.get("teachers") is not None else None
    materials = _materials(request.body, class_id)
    for material in [{"itemId": class_id, "type": "course", "title": title}, *materials]:
        _put_item(class_id, material)
    if teachers is not None:
        _set_teachers(class_id, teachers)
    # The class comes last: it exists from the moment it is complete.
    _put_row(class_id, "CLASS", {"title": title}, {"createdAt": clock.iso(clock.now())})
    return {
        "classId": class_id,
        "title": title,
        "teachers": sorted(row["teacherId"] for row in _rows(class_id, "TEACHER#")),
        "materials": [
            {"itemId": row["itemId"], "type": row["type"], "title": row.get("title", row["itemId"])}
            for row in _rows(class_id, "ITEM#")
            if row["itemId"] != class_id
        ],
    }


def _require_admin(request: Request) -> None:
    if not request.caller.is_admin:
        raise ForbiddenError


def _email(body: Mapping[str, Any]) -> str:
    value = validation.text(body, "email", longest=254)
    if not _EMAIL.fullmatch(value):
        raise InvalidInputError("email must be an address like name@example.com, in ASCII")
    return value


def _line(body: Mapping[str, Any], field: str) -> str:
    """A name that stands on one line of a mail or a page."""
    value = validation.text(body, field, longest=200)
    if not value.isprintable():
        raise InvalidInputError(f"{field} must be one line of printable characters")
    return value


def _list(body: Mapping[str, Any], field: str, longest: int) -> Sequence[Any]:
    value = body[field]
    if not isinstance(value, list) or len(value) > longest:
        raise InvalidInputError(f"{field} must be a list of at most {longest}")
    return value


def _teachers(body: Mapping[str, Any]) -> list[str]:
    given = _list(body, "teachers", MAX_TEACHERS)
    return [validation.identifier({f"teachers[{n}]": value}, f"teachers[{n}]") for n, value in enumerate(given)]


def _materials(body: Mapping[str, Any], class_id: str) -> list[dict[str, str]]:
    given = _list(body, "materials", MAX_MATERIALS) if body.get("materials") is not None else []
    materials: dict[str, dict[str, str]] = {}
    for n, value in enumerate(given):
        try:
            raw = validation.mapping(value, "it")
            item_id = validation.identifier(raw, "itemId")
            kind = validation.choice(raw, "type", ITEM_TYPES)
            title = _line(raw, "title") if raw.get("title") is not None else item_id
        except InvalidInputError as error:
            raise InvalidInputError(f"materials[{n}]: {error}") from None
        if item_id == class_id:
            raise InvalidInputError(f"materials[{n}]: itemId {item_id} is taken")
        materials[item_id] = {"itemId": item_id, "type": kind, "title": title}
    return list(materials.values())


def _put_item(class_id: str, material: Mapping[str, str]) -> None:
    member = f"ITEM#{material['itemId']}"
    given = {**material, "member": member, "board": f"items#{material['type']}"}
    _put_row(class_id, member, given, {"createdAt": clock.now(), "score": 0})


def _set_teachers(class_id: str, teachers: Sequence[str]) -> None:
    for teacher in teachers:
        member = f"TEACHER#{teacher}"
        _put_row(class_id, member, {"teacherId": teacher, "member": member}, {})
    for row in _rows(class_id, "TEACHER#"):
        if row["teacherId"] not in teachers:
            tables.class_activity().delete_item(Key={"classId": class_id, "activity": row["activity"]})


def _rows(class_id: str, prefix: str) -> list[tables.Item]:
    pages = tables.pages(
        tables.class_activity(),
        "query",
        KeyConditionExpression="classId = :class AND begins_with(activity, :prefix)",
        ExpressionAttributeValues={":class": class_id, ":prefix": prefix},
        ConsistentRead=True,
    )
    return [row for page in pages for row in page]


def _put_row(class_id: str, activity: str, given: Mapping[str, Any], kept: Mapping[str, Any]) -> None:
    _upsert(tables.class_activity(), {"classId": class_id, "activity": activity}, given, kept)


def _upsert(table: Any, key: Mapping[str, str], given: Mapping[str, Any], kept: Mapping[str, Any]) -> tables.Item:  # noqa: ANN401 - boto3
    """Set what is given; set what is kept only where the row does not have it.

    Returns:
        The whole row as it now stands.
    """
    defaults = {name: value for name, value in kept.items() if name not in given}
    sets = [f"#{name} = :{name}" for name in given]
    sets += [f"#{name} = if_not_exists(#{name}, :{name})" for name in defaults]
    values = {**given, **defaults}
    stored: tables.Item = table.update_item(
        Key=dict(key),
        UpdateExpression="SET " + ", ".join(sets),
        ExpressionAttributeNames={f"#{name}": name for name in values},
        ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
        ReturnValues="ALL_NEW",
    )["Attributes"]
    return stored
