"""The project as the contract checks see it: template, state machines, fixtures and sources, all in memory.

A check is a function of a `Project`; a mutation test breaks a copy of it and asks the check whether it noticed.
"""

import functools
import json
import pickle
import subprocess
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.contract.calls import Effects, effects_of
from tests.contract.codebase import Codebase
from tests.static.translation import read_definition, read_template

ROOT = Path(__file__).parents[2]
Properties = dict[str, Any]
Check = Callable[["Project"], list[str]]
CHECKS: dict[str, Check] = {}


@dataclass
class Project:
    """Everything that has to agree.

    `sources` maps paths relative to the root to the text of every Python file of functions/, local/ and tests/,
    `documents` those of every other text file under version control.
    """

    template: dict[str, Any] = field(repr=False)
    definitions: dict[str, dict[str, Any]] = field(repr=False)
    fixtures: dict[str, dict[str, Any]] = field(repr=False)
    sources: dict[str, str] = field(repr=False)
    documents: dict[str, str] = field(repr=False, default_factory=dict)

    @classmethod
    def read(cls, root: Path = ROOT) -> "Project":
        """The project as it stands on disk."""
        sources = {
            path.relative_to(root).as_posix(): path.read_text()
            for room in ("functions", "local", "tests")
            for path in sorted((root / room).rglob("*.py"))
        }
        return cls(
            template=read_template(root / "template.yaml"),
            definitions={
                path.relative_to(root).as_posix(): read_definition(path)
                for path in sorted((root / "statemachines").glob("*.yaml"))
            },
            fixtures={path.stem: json.loads(path.read_text()) for path in sorted((root / "events").glob("*.json"))},
            sources=sources,
            documents={path: text for path, text in _tracked(root) if path not in sources},
        )

    def copied(self) -> "Project":
        """A copy to break; what was learnt of the sources is kept until they change."""
        # Several times faster than copy.deepcopy, and hundreds of breakages ask for it.
        template, definitions, fixtures = pickle.loads(pickle.dumps((self.template, self.definitions, self.fixtures)))
        twin = Project(template, definitions, fixtures, self.sources, self.documents)
        twin.__dict__.update(code=self.code, _effects=self._effects)
        return twin

    def with_source(self, path: str, text: str) -> "Project":
        """A copy in which one file reads otherwise, or is there in addition."""
        sources, documents = dict(self.sources), dict(self.documents)
        (documents if path in documents else sources)[path] = text
        return Project(self.template, self.definitions, self.fixtures, sources, documents)

    @cached_property
    def code(self) -> Codebase:
        """What ships, and what it does."""
        shipped = (path for path in self.sources if path.startswith("functions/"))
        return Codebase({module_name(path): self.sources[path] for path in shipped})

    @cached_property
    def _effects(self) -> dict[tuple[str, str], Effects]:
        return {}

    def effects(self, function: str) -> Effects:
        """What a function's handler does, found in the sources; nothing where there is no such handler."""
        entry = self.entry(function)
        if entry not in self._effects:
            known = entry[0] in self.code.trees
            self._effects[entry] = effects_of(self.code, *entry) if known else Effects()
        return self._effects[entry]

    def resources(self, *types: str) -> Iterator[tuple[str, Properties]]:
        """Logical id and Properties of the resources of these types."""
        for name, resource in self.template["Resources"].items():
            if resource.get("Type") in types:
                yield name, resource.get("Properties", {})

    @cached_property
    def functions(self) -> dict[str, Properties]:
        """Properties of every Lambda function by logical id."""
        return dict(self.resources("AWS::Serverless::Function"))

    @property
    def function_globals(self) -> Properties:
        """Globals.Function."""
        properties: Properties = self.template["Globals"]["Function"]
        return properties

    def event_sources(self, kind: str) -> Iterator[tuple[str, Properties]]:
        """Function id and event source Properties of every event of a kind (HttpApi, SQS, DynamoDB)."""
        for name, function in self.functions.items():
            for event in function.get("Events", {}).values():
                if event.get("Type") == kind:
                    yield name, event.get("Properties") or {}

    def entry(self, function: str) -> tuple[str, str]:
        """Module and attribute that a function's Handler names."""
        module, _, attribute = str(self.functions[function]["Handler"]).rpartition(".")
        return module, attribute

    def environment(self, function: str) -> dict[str, Any]:
        """A function's own variables, without those of Globals."""
        variables: dict[str, Any] = self.functions[function].get("Environment", {}).get("Variables", {})
        return variables

    @property
    def global_environment(self) -> dict[str, Any]:
        """The variables every function gets."""
        variables: dict[str, Any] = self.function_globals["Environment"]["Variables"]
        return variables

    def grants(self, role: str) -> set[tuple[str, str]]:
        """Action and resource, in `!Sub` notation, of everything a role of the template allows."""
        policies = dict(self.resources("AWS::IAM::Role")).get(role, {}).get("Policies", [])
        return {
            (action, text(resource))
            for policy in policies
            for statement in statements(policy["PolicyDocument"])
            for action in listed(statement["Action"])
            for resource in listed(statement["Resource"])
        }

    def default(self, value: object) -> object:
        """A property's value; a parameter's default where it refers to one."""
        match value:
            case {"Ref": str(name)} if name in self.template.get("Parameters", {}):
                return self.template["Parameters"][name].get("Default")
        return value


def contract(check: Check) -> Check:
    """Register a check under its own name; a template that it cannot make sense of is a finding, too."""

    @functools.wraps(check)
    def guarded(project: Project) -> list[str]:
        try:
            return check(project)
        except Exception as error:
            at = traceback.extract_tb(error.__traceback__)[-1]
            return [f"the template is of a shape that {at.name} cannot read: {error!r} at {at.line}"]

    CHECKS[check.__name__] = guarded
    return guarded


def _tracked(root: Path) -> Iterator[tuple[str, str]]:
    """Path and text of what git would put into a clone, binary files left out."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed_by_git = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False).stdout
    for path in listed_by_git.split("\0"):
        if path and (root / path).is_file():
            with suppress(UnicodeDecodeError):
                yield path, (root / path).read_text()


def module_name(path: str) -> str:
    """`campus.bus` of `functions/campus/bus.py`."""
    return path.removeprefix("functions/").removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def text(value: object) -> str:
    """A reference in `!Sub`'s own notation: `${Table}`, `${Table.Arn}`, `${Table.Arn}/index/byMember`."""
    match value:
        case {"Ref": str(name)}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [*parts]}:
            return f"${{{'.'.join(parts)}}}"
        case {"Fn::GetAtt": str(dotted)}:
            return f"${{{dotted}}}"
        case {"Fn::Sub": str(pattern)}:
            return pattern
    return str(value)


def referent(value: object) -> str:
    """The logical id a Ref or GetAtt points to, else an empty string."""
    shown = text(value)
    return shown[2:-1].split(".")[0] if shown.startswith("${") and shown.endswith("}") else ""


def listed(value: object) -> list[Any]:
    """IAM and EventBridge take one thing or a list of them."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def statements(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The statements of a policy document."""
    return listed(document.get("Statement"))
