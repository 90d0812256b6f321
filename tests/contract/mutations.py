"""Ways to break the project, each with the contract that has to notice."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.contract.project import Project, Properties, listed, statements

GONE: Final = object()
Break = Callable[[Project], Project]
Breakages = dict[str, list[tuple[str, Break]]]


@dataclass(frozen=True)
class Mutation:
    """`broken` makes of a project one in which contract `check` must find more than before."""

    check: str
    what: str
    broken: Break


def top(path: str, value: object) -> Break:
    """Set, or with GONE delete, what a dotted path leads to from the top of the template."""

    def apply(project: Project) -> Project:
        twin = project.copied()
        put(twin.template, path, value)
        return twin

    return apply


def prop(path: str, value: object) -> Break:
    """The same from the Properties of a resource on: `MailQueue.VisibilityTimeout`."""
    resource, _, rest = path.partition(".")
    return top(f"Resources.{resource}.Properties.{rest}", value)


def grant(owner: str, action: str, path: str, value: object) -> Break:
    """The same in the policy statement of a function or state machine that allows an action."""

    def apply(project: Project) -> Project:
        twin = project.copied()
        policies = twin.template["Resources"][owner]["Properties"]["Policies"]
        every = (one for policy in policies for one in statements(policy))
        put(next(one for one in every if action in listed(one["Action"])), path, value)
        return twin

    return apply


def statement(owner: str, document: str, said: Properties) -> Break:
    """One more statement in a policy of a resource; `document` is the way to it from its Properties on."""

    def apply(project: Project) -> Project:
        twin = project.copied()
        node: Any = twin.template["Resources"][owner]["Properties"]
        for step in document.split("."):
            node = node[int(step) if isinstance(node, list) else step]
        node["Statement"].append(said)
        return twin

    return apply


def whole(resource: str, value: object) -> Break:
    """Add, replace or remove a resource."""
    return top(f"Resources.{resource}", value)


def definition(path: str, value: object) -> Break:
    """The same in the definition of the nightly state machine."""

    def apply(project: Project) -> Project:
        twin = project.copied()
        put(twin.definitions["statemachines/nightly_retraining.asl.yaml"], path, value)
        return twin

    return apply


def fixture(name: str, path: str, value: object) -> Break:
    """The same in a fixture; an empty path removes it."""

    def apply(project: Project) -> Project:
        twin = project.copied()
        if path:
            put(twin.fixtures[name], path, value)
        else:
            del twin.fixtures[name]
        return twin

    return apply


def edit(path: str, old: str, new: str) -> Break:
    """A source file, or text file, that reads otherwise."""

    def apply(project: Project) -> Project:
        told = project.sources if path in project.sources else project.documents
        assert old in told[path], f"{path} no longer says {old!r}"
        return project.with_source(path, told[path].replace(old, new))

    return apply


def added(path: str, text: str) -> Break:
    """A new source file."""
    return lambda project: project.with_source(path, text)


def put(node: Any, path: str, value: object) -> None:
    """Walk a dotted path of keys and list indexes; set or delete its end."""
    *steps, last = path.split(".")
    for step in steps:
        node = node[int(step) if isinstance(node, list) else step]
    key: Any = int(last) if isinstance(node, list) else last
    if value is GONE:
        del node[key]
    else:
        node[key] = value
