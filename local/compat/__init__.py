"""The repairs to the emulator: one small function a gap, each naming what AWS does and what the emulator does.

Every repair has a contract test that fails without it; those that only save time (`tables`, `persistence`) have tests
that fail when they answer otherwise than the emulator alone. `EMULATOR_VERSION` is the version they were written for; a
test fails when the installed one differs, because repairs reach into private names.
"""

from local.compat import (
    alarms,
    buses,
    catalogue,
    functions,
    http_api,
    mail,
    persistence,
    queues,
    schedules,
    states,
    streams,
    tables,
)

EMULATOR_VERSION = "1.5.33"


def apply(time_scale: float) -> None:
    """Repair the emulator in this process; once, after its settings are in the environment."""
    http_api.import_openapi_body()
    http_api.refuse_malformed_tokens()
    alarms.keep_alarms_on_metric_math()
    alarms.keep_saved_queries()
    buses.create_archives_from_templates()
    buses.refuse_malformed_entries()
    buses.send_undeliverable_events_to_dead_letters()
    buses.transform_input_by_index()
    catalogue.add_partitions_when_crawled()
    schedules.refuse_bad_schedules()
    schedules.keep_what_templates_say()
    schedules.run_schedules_in_their_time_zone()
    states.read_definitions_in_yaml()
    states.let_expressions_wait_for_the_processor()
    functions.report_errors_by_name()
    functions.bound_concurrency()
    functions.end_logs_with_the_call()
    mail.send_as_ses_does()
    mail.show_headers_and_tags()
    mail.keep_mail_across_restarts()
    mail.open_side_door()
    queues.keep_queue_urls_across_ports()
    queues.lose_no_message()
    queues.receive_again_after_a_restart()
    queues.retry_failed_messages_in_scaled_time(time_scale)
    streams.deliver_streams_as_declared(time_scale)
    tables.remember_pure_answers()
    tables.measure_items_quickly()
    tables.write_batches_once()
    tables.scan_page_by_page()
    persistence.save_quickly()
