"""Template ↔ handlers: one word for one thing, and a handler that parses, makes one call and returns."""

import ast

from tests.contract.project import Project, contract, module_name

WINGS = ("publishing", "notifications", "engagement", "ranking", "retraining")
LONGEST_HANDLER = 40


def handler_modules(project: Project) -> dict[str, str]:
    """Dotted module and path of every file of a wing that defines `handler`."""
    return {
        module_name(path): path
        for path in project.sources
        if path.startswith(tuple(f"functions/{wing}/" for wing in WINGS)) and _defines_handler(project, path)
    }


def _defines_handler(project: Project, path: str) -> bool:
    tree = project.code.trees[module_name(path)]
    return any(isinstance(node, ast.FunctionDef) and node.name == "handler" for node in tree.body)


@contract
def every_function_has_its_handler(project: Project) -> list[str]:
    """A Handler names a file of functions/ with a `handler` in it."""
    present = handler_modules(project)
    return [
        f"{name}: Handler {properties['Handler']} is not in functions/"
        for name, properties in project.functions.items()
        if project.entry(name)[1] != "handler" or project.entry(name)[0] not in present
    ]


@contract
def every_handler_is_deployed(project: Project) -> list[str]:
    """A file with a `handler` has exactly one function."""
    deployed = [project.entry(name)[0] for name in project.functions]
    return [
        f"{path}: {deployed.count(module)} functions of the template name it, not one"
        for module, path in handler_modules(project).items()
        if deployed.count(module) != 1
    ]


@contract
def functions_are_named_after_their_files(project: Project) -> list[str]:
    """`train_model.py` is `TrainModelFunction`."""
    findings = []
    for name in project.functions:
        verb = project.entry(name)[0].rpartition(".")[2]
        expected = "".join(word.capitalize() for word in verb.split("_")) + "Function"
        if name != expected:
            findings.append(f"{name}: its handler is {verb}.py, so it should be {expected}")
    return findings


@contract
def handlers_are_short(project: Project) -> list[str]:
    """What is longer than a screen does more than parse, call and return."""
    lines = {path: len(project.sources[path].splitlines()) for path in handler_modules(project).values()}
    return [
        f"{path}: {count} lines, at most {LONGEST_HANDLER}" for path, count in lines.items() if count > LONGEST_HANDLER
    ]


@contract
def handlers_name_their_trigger(project: Project) -> list[str]:
    """The module docstring opens with `Trigger:` and names what the template wires to it (states: see machine)."""
    findings = []
    for name in project.functions:
        module = project.entry(name)[0]
        if module not in project.code.trees or not project.functions[name].get("Events"):
            continue
        docstring = ast.get_docstring(project.code.trees[module]) or ""
        missing = [word for word in _trigger_words(project, name) if word not in docstring]
        if not docstring.startswith("Trigger") or missing:
            findings.append(f"{module}: docstring does not say `Trigger: … {' … '.join(missing)}`")
    return findings


def _trigger_words(project: Project, function: str) -> list[str]:
    words = []
    for event in project.functions[function].get("Events", {}).values():
        match event.get("Type"), event.get("Properties"):
            case "HttpApi", {"Method": method, "Path": path}:
                words.append(f"{method} {path}")
            case "SQS", _:
                words.append("SQS")
            case "DynamoDB", _:
                words.append("stream")
    return words


@contract
def handlers_import_only_their_wing_and_campus(project: Project) -> list[str]:
    """No handler imports another handler, another wing, boto3 or os."""
    present = handler_modules(project)
    findings = []
    for module, path in present.items():
        wing = module.split(".")[0]
        for imported in imports(project, module):
            top = imported.split(".")[0]
            if imported in present or top in {"boto3", "botocore", "os"} or (top in WINGS and top != wing):
                findings.append(f"{path}: imports {imported}")
    return findings


def imports(project: Project, module: str) -> set[str]:
    """Every module that a module of functions/ imports, anywhere in it; `from a import b` counts as `a` and `a.b`."""
    return imported_by(project.code.trees[module])


def imported_by(tree: ast.Module) -> set[str]:
    """Every module that a tree imports."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found
