"""What a handler does to AWS and reads of its environment, found by following the sources from it, call by call.

A small abstract interpreter: it knows clients, tables, settings and literals, follows them through assignments,
arguments and return values, and forgets everything else. It never runs the code.
"""

import ast
import re
from dataclasses import dataclass, field
from functools import cache

from tests.contract import kinds
from tests.contract.codebase import Codebase
from tests.contract.kinds import Client, DynamoDB, Instance, Kind, Method, Module, Setting, Symbol, Table, Text

TRANSACTION = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
_STUBS = {"SESV2": "sesv2", "SQS": "sqs", "S3": "s3", "EventBridge": "events", "DynamoDB": "dynamodb"}
_FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_Arguments = dict[str, "Kind | None"]


@dataclass(frozen=True)
class Use:
    """One AWS operation. `table` is a settings attribute, "" unknown; `index` "?" where it is chosen at run time."""

    service: str
    operation: str
    table: str = ""
    index: str = ""


@dataclass
class Effects:
    """All that can happen below one entry point."""

    uses: set[Use] = field(default_factory=set)
    settings: set[str] = field(default_factory=set)
    built: set[Symbol] = field(default_factory=set)
    touched: set[Symbol] = field(default_factory=set)


def effects_of(code: Codebase, module: str, attribute: str) -> Effects:
    """What can happen from a handler on."""
    run = _Run(code)
    run.call(Symbol(module, attribute), {})
    return run.effects


class _Run:
    """One walk from one entry point."""

    def __init__(self, code: Codebase) -> None:
        self.code = code
        self.effects = Effects()
        self._known: dict[tuple[Symbol, tuple[tuple[str, Kind], ...]], Kind | None] = {}

    def call(self, symbol: Symbol, arguments: _Arguments) -> Kind | None:
        """Walk a function with what is known of its arguments; what it returns."""
        if symbol == Symbol("campus.clients", "client") and isinstance(arguments.get("service"), Text):
            service = arguments["service"]
            return Client(service.value) if isinstance(service, Text) else None
        if symbol == Symbol("campus.clients", "dynamodb"):
            return DynamoDB()
        key = (symbol, tuple(sorted(((name, kind) for name, kind in arguments.items() if kind), key=lambda at: at[0])))
        if key not in self._known:
            self._known[key] = None
            self._known[key] = self._walk(symbol, arguments)
        return self._known[key]

    def _walk(self, symbol: Symbol, arguments: _Arguments) -> Kind | None:
        self.effects.touched.add(symbol)
        node = self.code.definition(symbol)
        walk = _Activation(self, symbol, arguments)
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                walk.enter(node)
                return walk.returned
            case ast.ClassDef():
                for child in [*node.bases, *node.decorator_list]:
                    walk.see(child)
                for member in node.body:
                    if isinstance(member, _FunctionNode):
                        self.call(Symbol(symbol.module, f"{symbol.name}.{member.name}"), {})
                    else:
                        walk.see(member)
                return Instance(symbol)
            case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
                return walk.see(value)
        return None


class _Activation:
    """One function body under walk, or a module-level value."""

    def __init__(self, run: _Run, symbol: Symbol, arguments: _Arguments) -> None:
        self.run = run
        self.module = symbol.module
        self.names: _Arguments = {name: kind for name, kind in arguments.items() if kind}
        self.returned: Kind | None = None
        if "." in symbol.name:
            self.names["self"] = Instance(Symbol(symbol.module, symbol.name.rpartition(".")[0]))

    def enter(self, node: _FunctionNode) -> None:
        """Walk decorators, defaults and body; annotations only tell what an unknown argument is."""
        every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        for argument in every:
            if argument.arg not in self.names and (kind := _annotated(argument.annotation)):
                self.names[argument.arg] = kind
        defaults = [*node.args.defaults, *(default for default in node.args.kw_defaults if default)]
        for child in [*node.decorator_list, *defaults, *node.body]:
            self.see(child)

    def see(self, node: ast.AST) -> Kind | None:
        """What an expression is, or a statement does; a function that is only mentioned is taken as called."""
        kind = self._evaluate(node)
        if isinstance(kind, Symbol):
            self.run.call(kind, {})
        return kind

    def _evaluate(self, node: ast.AST) -> Kind | None:
        match node:
            case ast.Constant(value=str(value)):
                return Text(value)
            case ast.Name(id=name):
                return self._name(name)
            case ast.Attribute(value=value, attr=attribute):
                return self._attribute(self._evaluate(value), attribute)
            case ast.Call():
                return self._call(node)
            case ast.Dict(keys=keys, values=values):
                return self._mapping(keys, values)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.enter(node)
            case ast.Assign(targets=targets, value=value):
                self._bind(targets, self.see(value))
            case ast.AnnAssign(target=target, value=value, annotation=annotation):
                self._bind([target], (self.see(value) if value else None) or _annotated(annotation))
            case ast.NamedExpr(target=target, value=value):
                self._bind([target], kind := self.see(value))
                return kind
            case ast.withitem(context_expr=value, optional_vars=target):
                self._bind([target] if target else [], self.see(value))
            case ast.Return(value=ast.expr() as value):
                self.returned = self.see(value) or self.returned
            case ast.IfExp(test=test, body=yes, orelse=no):
                self.see(test)
                first, second = self.see(yes), self.see(no)
                return first or second
            case _:
                for child in ast.iter_child_nodes(node):
                    self.see(child)
        return None

    def _bind(self, targets: list[ast.expr], kind: Kind | None) -> None:
        for target in targets:
            if isinstance(target, ast.Name) and kind:
                self.names[target.id] = kind

    def _name(self, name: str) -> Kind | None:
        if name in self.names:
            return self.names[name]
        return self._global(self.run.code.resolve(self.module, name))

    def _global(self, kind: Kind | None) -> Kind | None:
        if isinstance(kind, Symbol) and isinstance(self.run.code.definition(kind), ast.Assign | ast.AnnAssign):
            if kind == Symbol("campus.settings", "settings"):
                return Instance(kind)
            return self.run.call(kind, {})
        return kind

    def _attribute(self, owner: Kind | None, name: str) -> Kind | None:
        match owner:
            case Module(name=module):
                return self._global(self.run.code.resolve(module, name))
            case Instance(of=Symbol("campus.settings", "settings")):
                self.run.effects.settings.add(name)
                return Setting(name)
            case Instance(of=owner_class) | (Symbol() as owner_class):
                member = Symbol(owner_class.module, f"{owner_class.name}.{name}")
                node = self.run.code.definition(member)
                if isinstance(node, ast.AnnAssign):
                    return _annotated(node.annotation)
                if isinstance(node, _FunctionNode):
                    is_property = any("property" in ast.unparse(decorator) for decorator in node.decorator_list)
                    return self.run.call(member, {}) if is_property else member
            case DynamoDB() | Table() if name == "meta":
                return DynamoDB()
            case DynamoDB() if name == "client":
                return Client("dynamodb")
            case Client() | Table() | DynamoDB():
                return Method(owner, name)
        return None

    def _mapping(self, keys: list[ast.expr | None], values: list[ast.expr]) -> Kind:
        entries: list[tuple[Kind | None, Kind | None]] = []
        for key, value in zip(keys, values, strict=True):
            kind = self.see(value)
            if key is None and isinstance(kind, kinds.Mapping):
                entries.extend(kind.entries)
            else:
                entries.append((self.see(key) if key else None, kind))
        found = kinds.Mapping(tuple(entries))
        # An action of TransactWriteItems, wherever it is put together.
        match entries:
            case [(Text(value=name), kinds.Mapping() as action)] if name in TRANSACTION and action.has("TableName"):
                self._use("dynamodb", TRANSACTION[name], action.get("TableName"))
        return found

    def _use(self, service: str, operation: str, table: Kind | None = None, index: str = "") -> None:
        name = table.name if isinstance(table, Setting) else ""
        self.run.effects.uses.add(Use(service, operation, name, index))

    def _call(self, node: ast.Call) -> Kind | None:
        target = self._evaluate(node.func)
        arguments = [self.see(argument) for argument in node.args]
        for handed_on in arguments:
            if isinstance(handed_on, Method):
                self._operate(handed_on, [], kinds.Mapping(()))
        keywords: list[tuple[Kind | None, Kind | None]] = []
        for keyword in node.keywords:
            kind = self.see(keyword.value)
            if keyword.arg:
                keywords.append((Text(keyword.arg), kind))
            elif isinstance(kind, kinds.Mapping):
                keywords.extend(kind.entries)
        named = kinds.Mapping(tuple(keywords))
        match target, node.func:
            case Symbol(), _:
                return self._call_ours(target, arguments, named)
            case Method(owner=DynamoDB(), name="Table"), _:
                table = arguments[0] if arguments else None
                return Table(table.name if isinstance(table, Setting) else "")
            case Method(), _:
                return self._operate(target, arguments, named)
            case None, ast.Name(id="getattr") if len(arguments) == 2:
                match arguments:
                    case [Client() | Table() as owner, Text(value=name)]:
                        return Method(owner, name)
        return None

    def _call_ours(self, target: Symbol, arguments: list[Kind | None], named: kinds.Mapping) -> Kind | None:
        node = self.run.code.definition(target)
        if isinstance(node, ast.ClassDef):
            self.run.effects.built.add(target)
            self.run.call(target, {})
            return Instance(target)
        if not isinstance(node, _FunctionNode):
            return self.run.call(target, {})
        parameters = [argument.arg for argument in [*node.args.posonlyargs, *node.args.args]]
        if "." in target.name and parameters[:1] in (["self"], ["cls"]):
            parameters = parameters[1:]
        bound: _Arguments = dict(zip(parameters, arguments, strict=False))
        accepted = {*parameters, *(argument.arg for argument in node.args.kwonlyargs)}
        for key, value in named.entries:
            if isinstance(key, Text) and key.value in accepted:
                bound[key.value] = value
        if node.args.kwarg:
            rest = (entry for entry in named.entries if not (isinstance(entry[0], Text) and entry[0].value in accepted))
            bound[node.args.kwarg.arg] = kinds.Mapping(tuple(rest))
        return self.run.call(target, bound)

    def _operate(self, method: Method, arguments: list[Kind | None], named: kinds.Mapping) -> Kind | None:
        operation = method.name
        if operation in ("get_paginator", "get_waiter") and arguments and isinstance(arguments[0], Text):
            operation = arguments[0].value
        index = ""
        if named.has("IndexName"):
            given = named.get("IndexName")
            index = given.value if isinstance(given, Text) else "?"
        match method.owner:
            case Client(service="dynamodb") if named.has("RequestItems"):
                requested = named.get("RequestItems")
                entries = requested.entries if isinstance(requested, kinds.Mapping) else ((None, None),)
                for table, _ in entries:
                    self._use("dynamodb", operation, table)
            case Client(service=service):
                self._use(service, operation, named.get("TableName"), index)
            case Table(setting=setting):
                self._use("dynamodb", operation, Setting(setting), index)
        return None


@cache
def _service(stub: str) -> str:
    """Service of a stub class: `PersonalizeRuntime` → `personalize-runtime`."""
    return _STUBS.get(stub) or re.sub(r"(?<=[a-z])(?=[A-Z])", "-", stub).lower()


def _annotated(annotation: ast.expr | None) -> Kind | None:
    """A client or table by the name of its stub."""
    shown = ast.unparse(annotation) if annotation else ""
    if client := re.search(r"\b(\w+)Client\b", shown):
        return Client(_service(client[1]))
    return Table("") if re.search(r"\bTable\b", shown) else None
