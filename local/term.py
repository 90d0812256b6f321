"""A simulated school term: the same every time, with enough structure that a personal ranking beats a popular one.

Students have a main field and a second one, take its courses in their order, work through each course's materials in
the order of its syllabus (mostly), and look around now and then; one course is taken by everybody, all term long. So
what somebody does next depends on who they are and what they did last, and only a little on what is popular.
"""

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# Midnight UTC after the last day of a spring term.
END_OF_TERM = 1_780_272_000
WEEKS = 16
_DAY = 86_400

# Field, id prefix, and its courses in the order in which they are taken.
_FIELDS: Sequence[tuple[str, str, Sequence[str]]] = (
    ("Toán", "toan", ("Đại số tuyến tính", "Giải tích I", "Giải tích II", "Xác suất thống kê")),
    ("Tin học", "tin", ("Nhập môn lập trình", "Cấu trúc dữ liệu", "Cơ sở dữ liệu", "Học máy")),
    ("Vật lý", "ly", ("Cơ học", "Nhiệt học", "Điện từ học", "Vật lý lượng tử")),
    ("Ngoại ngữ", "anh", ("Tiếng Anh A2", "Tiếng Anh B1", "Viết học thuật", "Tiếng Anh chuyên ngành")),
    ("Kinh tế", "kinhte", ("Kinh tế vi mô", "Kinh tế vĩ mô", "Kế toán", "Tài chính doanh nghiệp")),
    ("Văn học", "van", ("Văn học dân gian", "Truyện Kiều", "Thơ mới")),
)
_FOR_EVERYBODY = ("chung", "Kỹ năng học tập")
# Step of a syllabus: suffix of the item's id, type, what one does with it, Vietnamese name.
_SYLLABUS: Sequence[tuple[str, str, str, str]] = (
    ("bg1", "document", "view", "Bài giảng 1"),
    ("tn1", "quiz", "quiz", "Trắc nghiệm 1"),
    ("bt1", "assignment", "submitAssignment", "Bài tập 1"),
    ("bg2", "document", "view", "Bài giảng 2"),
    ("bt2", "assignment", "submitAssignment", "Bài tập 2"),
    ("gt", "document", "download", "Giáo trình"),
    ("tn2", "quiz", "quiz", "Trắc nghiệm 2"),
    ("bt3", "assignment", "submitAssignment", "Bài tập lớn"),
)
_FAMILY = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Huỳnh", "Phan", "Vũ", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô")
_MIDDLE = ("Thị", "Văn", "Ngọc", "Minh", "Thanh", "Hữu", "Quốc", "Thu", "Đức", "Khánh", "Phương", "Gia")
_GIVEN = (
    *("Anh", "Ánh", "Bình", "Châu", "Dũng", "Hà", "Hiếu", "Huyền", "Khôi", "Linh", "Long", "Mai", "Nam", "Ngân"),
    *("Phúc", "Quân", "Quỳnh", "Sơn", "Thảo", "Trang", "Trí", "Tuấn", "Uyên", "Việt", "Vy", "Yến"),
)
_ABROAD = ("Emma Clarke", "Liam O'Brien", "Sofia Rossi", "Noah Schmidt", "Aisha Khan", "Lucas Martin", "Mia Jansen")


@dataclass(frozen=True)
class Student:
    """Somebody who studies; `locale` is vi or en, `field` the prefix of the main field's courses."""

    student_id: str
    name: str
    email: str
    locale: str
    field: str


@dataclass(frozen=True)
class Material:
    """A thing of a course to work with: document, quiz or assignment."""

    item_id: str
    type: str
    title: str
    event_type: str


@dataclass(frozen=True)
class Course:
    """A class, which is an item itself; its materials stand in the order of its syllabus."""

    class_id: str
    title: str
    field: str
    teacher_id: str
    materials: Sequence[Material]


@dataclass(frozen=True)
class Happening:
    """One event of the term; `at` is epoch seconds, `score` 0 to 100 where there is one."""

    at: int
    student_id: str
    item_id: str
    class_id: str
    event_type: str
    score: int | None = None


@dataclass(frozen=True)
class Term:
    """Everybody, everything, and what happened, in the order of time."""

    students: Sequence[Student]
    courses: Sequence[Course]
    happenings: Sequence[Happening]

    def write_interactions(self, path: Path, happenings: Sequence[Happening] | None = None) -> Path:
        """The happenings (all, or those given) as the CSV that `nightclass load` reads."""
        header = ("USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE")
        chosen = self.happenings if happenings is None else happenings
        return _write(
            path,
            header,
            [(one.student_id, one.item_id, one.at, one.event_type, _blank(one.score)) for one in chosen],
        )

    def write_items(self, path: Path) -> Path:
        """Courses and materials as the CSV that `nightclass load --items` reads."""
        rows: list[tuple[object, ...]] = []
        for course in self.courses:
            rows.append((course.class_id, "course", course.class_id, course.title))
            rows += [(one.item_id, one.type, course.class_id, one.title) for one in course.materials]
        return _write(path, ("ITEM_ID", "TYPE", "CLASS_ID", "TITLE"), rows)

    def titles(self) -> dict[str, str]:
        """Item → what people call it."""
        titles = {course.class_id: course.title for course in self.courses}
        for course in self.courses:
            titles |= {one.item_id: f"{one.title} ({course.title})" for one in course.materials}
        return titles


def simulate(end: int = END_OF_TERM, students: int = 300, seed: int = 2026) -> Term:
    """A term of 16 weeks that ends before `end` (epoch seconds).

    The same arguments always give the same term; 300 students make some 11,700 happenings in 24 courses.
    """
    dice = random.Random(seed)  # noqa: S311 - a simulation
    courses = _courses()
    people = [_student(number, dice) for number in range(1, students + 1)]
    happenings = [one for student in people for one in _studies(student, courses, end, dice)]
    return Term(people, courses, sorted(happenings, key=lambda one: (one.at, one.student_id, one.item_id)))


def _courses() -> list[Course]:
    fields = [*((prefix, titles) for _, prefix, titles in _FIELDS), (_FOR_EVERYBODY[0], _FOR_EVERYBODY[1:])]
    return [
        Course(class_id, title, prefix, f"gv-{prefix}", _materials(class_id))
        for prefix, titles in fields
        for class_id, title in ((f"{prefix}-{level}", title) for level, title in enumerate(titles, 1))
    ]


def _materials(class_id: str) -> list[Material]:
    return [Material(f"{class_id}-{suffix}", kind, title, event) for suffix, kind, event, title in _SYLLABUS]


def _student(number: int, dice: random.Random) -> Student:
    student_id = f"sv{number:03d}"
    abroad = dice.random() < 0.08
    name = dice.choice(_ABROAD) if abroad else " ".join(map(dice.choice, (_FAMILY, _MIDDLE, _GIVEN)))
    # Some fields draw more students than others.
    field = dice.choices([prefix for _, prefix, _ in _FIELDS], weights=(5, 6, 3, 4, 4, 2))[0]
    return Student(student_id, name, f"{student_id}@truong.example", "en" if abroad else "vi", field)


def _studies(student: Student, courses: Sequence[Course], end: int, dice: random.Random) -> list[Happening]:
    """Three courses at a time: one after the other of the main field, a second field's beside it, and everybody's."""
    second = dice.choice([prefix for _, prefix, _ in _FIELDS if prefix != student.field])
    fields = {
        field: [course for course in courses if course.field == field]
        for field in (student.field, second, _FOR_EVERYBODY[0])
    }
    first = dice.choices((0, 1), weights=(3, 1))[0]
    chosen = (
        fields[student.field][first : first + dice.choice((2, 3))],
        fields[second][: dice.choice((0, 1, 1, 2))],
        fields[_FOR_EVERYBODY[0]],
    )
    begin = end - WEEKS * 7 * _DAY
    happenings = [one for path in chosen for one in _in_turn(student, path, courses, begin, end, dice)]
    return [one for one in happenings if one.at < end]


def _in_turn(
    student: Student, chosen: Sequence[Course], courses: Sequence[Course], begin: int, end: int, dice: random.Random
) -> list[Happening]:
    """One course after the other, at the student's own pace; the slowest are not through by the end of term."""
    happenings: list[Happening] = []
    at = begin + dice.randint(0, 14 * _DAY)
    pace = dice.uniform(0.6, 1.3) * (end - begin) / (10.0 * max(len(chosen), 1))
    for course in chosen:
        happenings.append(Happening(at, student.student_id, course.class_id, course.class_id, "enroll"))
        for material in _path(course, dice):
            at += int(dice.uniform(0.4, 1.6) * pace)
            happenings.append(_work(student, course, material, at, dice))
            if dice.random() < 0.05:
                elsewhere = dice.choice(courses)
                happenings.append(_work(student, elsewhere, elsewhere.materials[0], at + dice.randint(60, 7200), dice))
        at += int(dice.uniform(0.5, 1.5) * pace)
    return happenings


def _path(course: Course, dice: random.Random) -> list[Material]:
    """The syllabus as somebody really takes it: a step left out, two taken the other way round."""
    path = [material for material in course.materials if dice.random() > 0.08]
    for place in range(len(path) - 1):
        if dice.random() < 0.1:
            path[place], path[place + 1] = path[place + 1], path[place]
    return path


def _work(student: Student, course: Course, material: Material, at: int, dice: random.Random) -> Happening:
    score = None if material.type == "document" else min(100, max(0, round(dice.gauss(72, 14))))
    return Happening(at, student.student_id, material.item_id, course.class_id, material.event_type, score)


def _blank(score: int | None) -> object:
    return "" if score is None else score


def _write(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)
    return path
