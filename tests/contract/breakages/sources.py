"""How to break handlers, settings and the layering of the sources."""

from tests.contract.mutations import GONE, Breakages, added, edit, prop, top, whole

HANDLER = "functions/ranking/get_recommendation.py"
EARLY = "functions/ranking/early.py"
SOURCES: Breakages = {
    "every_setting_read_is_set": [("one unset", prop("GetRecommendationFunction.Environment.Variables", {}))],
    "every_variable_is_read": [
        ("one unread", prop("PutClassFunction.Environment", {"Variables": {"LAKE_BUCKET": "x"}})),
        ("a global nobody reads", top("Globals.Function.Environment.Variables.NOTHING", "x")),
    ],
    "every_setting_has_a_variable_and_a_reader": [
        (
            "a spare setting",
            edit("functions/campus/settings.py", "    sender =", '    spare = Variable("SPARE", str)\n    sender ='),
        ),
    ],
    "every_function_has_its_handler": [
        ("renamed", prop("TrainModelFunction.Handler", "retraining.train.handler")),
        ("another attribute", prop("PutClassFunction.Handler", "publishing.put_class.main")),
    ],
    "every_handler_is_deployed": [("undeployed", whole("PutClassFunction", GONE))],
    "functions_are_named_after_their_files": [
        (
            "renamed",
            whole(
                "Ranker", {"Type": "AWS::Serverless::Function", "Properties": {"Handler": "ranking.rank_items.handler"}}
            ),
        )
    ],
    "handlers_are_short": [("a long one", edit(HANDLER, '"""\n', '"""\n' + "\n" * 40))],
    "handlers_name_their_trigger": [
        ("no trigger", edit(HANDLER, "Trigger:", "Called by")),
        ("another path", prop("PutClassFunction.Events.Route.Properties.Path", "/klasses/{classId}")),
    ],
    "handlers_import_only_their_wing_and_campus": [
        ("boto3", edit(HANDLER, "from campus", "import boto3\nfrom campus")),
        (
            "another handler",
            edit(HANDLER, "from campus", "from ranking import rank_items\nfrom campus"),
        ),
    ],
    "wings_import_only_campus": [
        (
            "a neighbour",
            edit("functions/ranking/ladder.py", "from campus", "import engagement\nfrom campus"),
        ),
        ("upwards", edit("functions/campus/bus.py", "from campus", "from publishing import outbox\nfrom campus")),
    ],
    "functions_import_only_what_ships": [
        ("numpy", edit("functions/campus/clock.py", "import time", "import time\nimport numpy")),
    ],
    "what_ships_and_what_is_local_stay_apart": [
        ("functions know local", edit("functions/campus/clock.py", "import time", "import local.cloud\nimport time")),
        ("local knows functions", added("local/shortcut.py", "from campus import tables\n")),
    ],
    "nothing_happens_at_import": [
        ("a client", edit("functions/campus/bus.py", "MAX_ENTRIES = 10", 'EVENTS = client("events")')),
        (
            "a setting",
            added(EARLY, "def at(bus=settings.event_bus):\n    return bus\n"),
        ),
        ("the environment", added(EARLY, "class At:\n    bus = os.environ['EVENT_BUS']\n")),
    ],
    "only_settings_reads_the_environment": [
        ("elsewhere", added(EARLY, "def at() -> str:\n    return os.environ['X']\n")),
    ],
    "clients_come_from_one_place": [
        ("elsewhere", added(EARLY, "def at() -> object:\n    return boto3.client('s3')\n")),
        (
            "an endpoint",
            edit("functions/campus/clients.py", "(service, config", "(service, endpoint_url=x, config"),
        ),
    ],
    "files_stay_readable": [
        ("a long file", added("local/long.py", "\n" * 301)),
        ("a drawer", added("local/utils.py", "")),
    ],
    "no_secret_and_no_machine_path": [
        ("a key", added("local/key.py", 'KEY = "AKIA' + "A" * 16 + '"\n')),
        ("a path", added("local/path.py", 'HERE = "/' + 'home/somebody/code"\n')),
    ],
}
