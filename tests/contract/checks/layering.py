"""Who may import whom, how long a file may be, and that nothing happens at import."""

import ast
import re
import sys

from tests.contract.checks.handlers import WINGS, imported_by, imports
from tests.contract.codebase import parsed
from tests.contract.project import Project, contract

LONGEST_FILE = 300
SHIPPED = {"boto3", "botocore", "aws_lambda_powertools"}
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "misc"}
# What reads the environment or makes a client, wherever it is called.
EAGER = re.compile(
    r"\bos\.environ\b|\bos\.getenv\b|\bsettings\.\w|\bclient\(|\bdynamodb\(|\blogger\(|\bmetrics\(|\bboto3\b"
    r"|\btables\.(students|interactions|class_activity|operations)\(|\b(Logger|Metrics)\("
)
MACHINE_PATH = re.compile(r"(?<![\w.:/~-])/(?:work|root|home/\w+)/\w")
SECRET = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----|\bgh[pousr]_[A-Za-z0-9]{36}\b")


@contract
def wings_import_only_campus(project: Project) -> list[str]:
    """A wing never imports another wing, and campus none at all."""
    findings = []
    for module in project.code.trees:
        room = module.split(".")[0]
        others = set(WINGS) - {room}
        findings += [f"{module}: imports {name}" for name in imports(project, module) if name.split(".")[0] in others]
    return findings


@contract
def functions_import_only_what_ships(project: Project) -> list[str]:
    """The layer carries boto3 and Powertools; numpy or pydantic would be missing in AWS."""
    allowed = {*SHIPPED, *WINGS, "campus", *sys.stdlib_module_names}
    findings = []
    for module, tree in project.code.trees.items():
        findings += [
            f"{module}: imports {name}, which is not in the layer"
            for name in imported_by(_without_type_checking(tree))
            if name.split(".")[0] not in allowed
        ]
    return findings


@contract
def what_ships_and_what_is_local_stay_apart(project: Project) -> list[str]:
    """functions/ never imports local/ or tests/; local/ speaks AWS's wire formats and imports nothing of functions/."""
    findings = []
    for path, text in project.sources.items():
        room = path.split("/")[0]
        banned = {"functions": {"local", "tests"}, "local": {"functions", "campus", "tests", *WINGS}}.get(room, set())
        findings += [f"{path}: imports {name}" for name in imported_by(parsed(text)) if name.split(".")[0] in banned]
    return findings


@contract
def nothing_happens_at_import(project: Project) -> list[str]:
    """No environment read and no client at module level: settings are read when first used."""
    findings = []
    for module, tree in project.code.trees.items():
        findings += [
            f"{module}, line {getattr(node, 'lineno', 0)}: {found[0].strip('(')} at import"
            for node in _run_at_import(tree)
            if (found := EAGER.search(ast.unparse(node)))
        ]
    return findings


@contract
def only_settings_reads_the_environment(project: Project) -> list[str]:
    """One typed place knows the names of the variables."""
    return [
        f"{module}: reads the environment; campus.settings does"
        for module, tree in project.code.trees.items()
        if module != "campus.settings" and re.search(r"\bos\.(environ|getenv)\b", ast.unparse(tree))
    ]


@contract
def clients_come_from_one_place(project: Project) -> list[str]:
    """campus.clients knows timeouts and retries; no other module makes a client, and none names an endpoint."""
    makes = re.compile(r"\bboto3\.(?:client|resource|session|Session)\b|\bendpoint_url\b")
    return [
        f"{module}: {found}; clients come from campus.clients"
        for module, tree in project.code.trees.items()
        for found in makes.findall(ast.unparse(tree))
        if module != "campus.clients" or found == "endpoint_url"
    ]


@contract
def files_stay_readable(project: Project) -> list[str]:
    """A file of more than 300 lines is a room that wants a wall; a file named `utils` is no room at all."""
    findings = []
    for path, text in project.sources.items():
        if (lines := len(text.splitlines())) > LONGEST_FILE:
            findings.append(f"{path}: {lines} lines, at most {LONGEST_FILE}")
        if FORBIDDEN_NAMES & set(path.removesuffix(".py").split("/")):
            findings.append(f"{path}: say what is in it")
    return findings


@contract
def no_secret_and_no_machine_path(project: Project) -> list[str]:
    """What one person's machine or account knows stays there."""
    patterns = {"a path of one machine": MACHINE_PATH, "a secret": SECRET}
    return [
        f"{path}, line {number}: {what}"
        for path, text in (project.sources | project.documents).items()
        for number, line in enumerate(text.splitlines(), 1)
        for what, pattern in patterns.items()
        if pattern.search(line)
    ]


def _without_type_checking(tree: ast.Module) -> ast.Module:
    kept = [node for node in tree.body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))]
    return ast.Module(kept, [])


def _run_at_import(tree: ast.Module) -> list[ast.AST]:
    """Statements, decorators, defaults and class bodies that Python runs when it imports a module."""
    pending: list[ast.AST] = list(_without_type_checking(tree).body)
    found: list[ast.AST] = []
    while pending:
        node = pending.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                defaults = [*node.args.defaults, *(default for default in node.args.kw_defaults if default)]
                found.extend([*node.decorator_list, *defaults])
            case ast.ClassDef():
                found.extend([*node.decorator_list, *node.bases])
                pending.extend(node.body)
            case ast.Import() | ast.ImportFrom():
                pass
            case _:
                found.append(node)
    return found
