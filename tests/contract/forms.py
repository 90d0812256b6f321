"""Forms: what a part of the template may and must say, line by line, each with a reason.

A form is a mapping with the template's own keys. A line, that is a mapping with `why`, tells what stands there; any
other mapping is the structure of the part, and a list with one mapping what each element of a list looks like. The
words of a line are explained at the head of tests/contract/reviewed/resources.yaml.
"""

import json
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from tests.contract.project import Project, referent, text
from tests.contract.reviewed import where

Form = Mapping[str, Any]
FILE = where("resources")
ABSENT = object()


@dataclass(frozen=True)
class Part:
    """A part of the template: the resource it belongs to, the way to it, and what stands there."""

    project: Project
    owner: str
    path: str
    value: Any

    def below(self, key: str, value: Any) -> "Part":
        """What stands below it under a key."""
        return Part(self.project, self.owner, f"{self.path}.{key}", value)

    def deviations(self, form: Any) -> Iterator[str]:
        """What it says otherwise than the form."""
        if isinstance(form, list):
            yield from self._elements(form[0])
        elif "why" in form:
            if (objection := self._objection(form)) and self.value is ABSENT:
                yield f"{self.path} is gone, which {objection}: {form['why']}"
            elif objection:
                yield f"{self.path} is {shown(self.value)}, which {objection}: {form['why']}"
        elif isinstance(self.value, Mapping):
            yield from self._members({key: line for key, line in form.items() if key != "optional"})
        elif self.value is not ABSENT:
            yield f"{self.path} is {shown(self.value)}, where {FILE} expects {', '.join(form)}"
        elif not form.get("optional"):
            for key, line in form.items():
                yield from self.below(key, ABSENT).deviations(line)

    def _elements(self, form: Form) -> Iterator[str]:
        if not isinstance(self.value, list) or not self.value:
            yield f"{self.path} is {'gone' if self.value is ABSENT else shown(self.value)}, where a list is expected"
            return
        for at, element in enumerate(self.value):
            yield from self.below(str(at), element).deviations(form)

    def _members(self, form: Form) -> Iterator[str]:
        for key, line in form.items():
            yield from self.below(key, self.value.get(key, ABSENT)).deviations(line)
        for key in self.value:
            if key not in form:
                yield (
                    f"{self.path}.{key} is {shown(self.value[key])}, and nobody has reviewed that property; "
                    f"if it is meant, it needs a line with its reason in {FILE}"
                )

    def _objection(self, line: Form) -> str:
        """What is wrong with the value; empty where it is as it should be."""
        if "only" in line and self.owner not in line["only"]:
            return "" if self.value is ABSENT else f"is for {' and '.join(line['only'])} only"
        if "per" in line and self.owner not in line["per"]:
            return "" if self.value is ABSENT else f"is reviewed for {', '.join(line['per'])} only"
        if self.value is ABSENT:
            return "" if line.get("optional") else f"must be {expected(line, self.owner)}"
        return "" if self._fits(line) else f"must be {expected(line, self.owner)}"

    def _fits(self, line: Form) -> bool:
        if "refers to" in line:
            return bool(
                self.project.template["Resources"].get(referent(self.value), {}).get("Type") == line["refers to"]
            )
        if "is" in line or "per" in line:
            told = line["is"] if "is" in line else line["per"][self.owner]
            # True equals 1, and YAML tells them apart.
            return isinstance(self.value, bool) == isinstance(told, bool) and bool(self.value == told)
        return True


def expected(line: Form, owner: str) -> str:
    """What a line asks for, in words."""
    if "is" in line:
        return shown(line["is"])
    if "per" in line:
        return shown(line["per"][owner])
    return f"one of our {line['refers to']}" if "refers to" in line else "there"


def shown(value: object) -> str:
    """A value as a reader of the template knows it."""
    whole = text(value)
    return whole if whole != str(value) else json.dumps(value, ensure_ascii=False, default=str)


def lines(form: Any) -> Iterator[Form]:
    """Every line of a form."""
    if isinstance(form, list):
        yield from lines(form[0])
    elif "why" in form:
        yield form
    else:
        for key, line in form.items():
            if key != "optional":
                yield from lines(line)


def named(form: Any) -> Set[str]:
    """The resources that a form names by their logical ids."""
    return {name for line in lines(form) for word in ("per", "only") for name in line.get(word, ())}
