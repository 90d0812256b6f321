"""The modules of functions/ as syntax trees: what a name stands for and where it is defined."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache, cached_property

from tests.contract.kinds import Kind, Module, Symbol


@cache
def parsed(text: str) -> ast.Module:
    """The syntax tree of a source, parsed once however often the project is broken elsewhere; nobody changes it."""
    return ast.parse(text)


class Codebase:
    """The modules of functions/ by dotted name."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.trees = {name: parsed(text) for name, text in sources.items()}

    @cached_property
    def _bindings(self) -> dict[str, dict[str, Kind]]:
        return {name: dict(self._imports(tree)) for name, tree in self.trees.items()}

    def _imports(self, tree: ast.Module) -> Iterator[tuple[str, Kind]]:
        # Imports for type checkers only stand below an `if`, and so are not looked at.
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    if whole in self.trees:
                        yield alias.asname or alias.name, Module(whole)
                    elif node.module in self.trees:
                        yield alias.asname or alias.name, Symbol(node.module, alias.name)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.asname and alias.name in self.trees:
                        yield alias.asname, Module(alias.name)

    def definition(self, symbol: Symbol) -> ast.stmt | None:
        """Where a name is defined: a function, a class, or an assignment; a dotted name is a method."""
        body: list[ast.stmt] = self.trees[symbol.module].body
        found: ast.stmt | None = None
        for part in symbol.name.split("."):
            # The last one: a function's overloads stand before it.
            found = next((node for node in reversed(body) if part in _names(node)), None)
            body = found.body if isinstance(found, ast.ClassDef) else []
        return found

    def resolve(self, module: str, name: str) -> Kind | None:
        """What a global name of a module stands for, through re-exports."""
        bound = self._bindings[module].get(name)
        if isinstance(bound, Symbol):
            return self.resolve(bound.module, bound.name)
        if bound:
            return bound
        symbol = Symbol(module, name)
        return symbol if self.definition(symbol) else None


def _names(node: ast.stmt) -> set[str]:
    """The names a statement defines."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
    return set()
