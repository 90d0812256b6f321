"""The local cloud as a process: what it keeps, what it opens, how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from local.cloud import Cloud, CloudError, loopback
from local.deploy import DeployError, deploy
from tests.integration.sample.stack import PARAMETERS, TEMPLATE, Sample, eventually, fetch

pytest_plugins = ["tests.integration.sample.plugin"]

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def children(pid: int) -> list[int]:
    """Processes below `pid`, however deep."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
    found, level = [], [pid]
    while level:
        level = [child for child, parent in parents.items() if parent in level]
        found += level
    return found


def listening(pid: int) -> set[tuple[str, int]]:
    """Addresses on which `pid` accepts TCP connections."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            inodes.add(str(descriptor.readlink()).removeprefix("socket:[").rstrip("]"))
        except OSError:
            continue
    addresses = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                raw, port = fields[1].split(":")
                words = [bytes.fromhex(raw[i : i + 8])[::-1] for i in range(0, len(raw), 8)]
                addresses.add((socket.inet_ntop(family, b"".join(words)), int(port, 16)))
    return addresses


def answers(endpoint: str) -> bool:
    try:
        with loopback.open(f"{endpoint}/_ministack/health", timeout=2):
            return True
    except OSError:
        return False


@linux
def test_nothing_listens_but_one_port_of_loopback(sample: Sample) -> None:
    assert fetch(f"{sample.outputs['ApiUrl']}/open")[0] == 200  # a function process runs, too
    process = sample.cloud._process.pid
    open_ports = {address for pid in [process, *children(process)] for address in listening(pid)}
    assert open_ports == {("127.0.0.1", sample.cloud.port)}


def test_a_busy_port_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CloudError, match=f"127.0.0.1:{port}") as error:
            Cloud(tmp_path, port=port)
    assert "\n" not in str(error.value)


def test_a_function_sees_the_local_cloud_and_no_other_account(sample: Sample) -> None:
    _, body = fetch(f"{sample.outputs['ApiUrl']}/open")
    environment = body["environment"]
    assert environment["AWS_ENDPOINT_URL"] == sample.cloud.endpoint
    assert environment["AWS_REGION"] == "ap-southeast-1"
    assert environment["AWS_ACCESS_KEY_ID"] == "000000000000"
    assert environment["AWS_CONFIG_FILE"] == os.devnull
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == body["function"]
    assert environment["GREETING"] == "hello"
    assert "AWS_PROFILE" not in environment
    assert "PYTHONPATH" not in environment


def test_single_services_can_be_replaced_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", "http://127.0.0.1:9/faulty")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9/elsewhere")
    monkeypatch.setenv("AWS_PROFILE", "school")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("SMTP_HOST", "127.0.0.1:9")
    with Cloud(tmp_path) as cloud:
        outputs = deploy(cloud.endpoint, template=TEMPLATE, parameters=PARAMETERS)
        status, body = fetch(f"{outputs['ApiUrl']}/open")
    assert status == 200
    assert body["environment"]["AWS_ENDPOINT_URL_SESV2"] == "http://127.0.0.1:9/faulty"
    assert body["environment"]["AWS_ENDPOINT_URL"] == cloud.endpoint
    assert not {"AWS_PROFILE", "HTTP_PROXY", "SMTP_HOST"} & body["environment"].keys()


def test_the_account_survives_a_restart_on_another_port(tmp_path: Path) -> None:
    with Cloud(tmp_path) as cloud:
        before = Sample(cloud, deploy(cloud.endpoint, template=TEMPLATE, parameters=PARAMETERS))
        before.table.put_item(Item={"pk": "OUTBOX#before", "sk": "EVENT"})
        eventually(lambda: before.seen("relay", key="OUTBOX#before"))
        before.client("sqs").send_message(QueueUrl=before.outputs["DeadLettersUrl"], MessageBody="Ánh")
        assert before.messages("DeadLettersUrl")  # in flight when the cloud stops
        before.client("s3").create_bucket(
            Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "ap-southeast-1"}
        )
        before.client("s3").put_object(Bucket="lake", Key="a/b.csv", Body="Ánh".encode())
        token = before.token("ann", "student")
        old_port = cloud.port

    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", old_port))
        with Cloud(tmp_path) as cloud:
            assert cloud.port != old_port
            after = Sample(cloud, deploy(cloud.endpoint, template=TEMPLATE, parameters=PARAMETERS))
            moved = {name: value.replace(f":{old_port}/", f":{cloud.port}/") for name, value in before.outputs.items()}
            assert after.outputs == moved
            assert after.seen("relay", key="OUTBOX#before")
            assert [message["Body"] for message in after.messages("DeadLettersUrl")] == ["Ánh"]
            assert after.client("s3").get_object(Bucket="lake", Key="a/b.csv")["Body"].read() == "Ánh".encode()
            assert fetch(f"{after.outputs['ApiUrl']}/things/1", token=token)[0] == 200
            # Event sources go on.
            after.table.put_item(Item={"pk": "OUTBOX#after", "sk": "EVENT"})
            after.client("sqs").send_message(QueueUrl=after.outputs["WorkQueueUrl"], MessageBody="work after")
            eventually(lambda: after.seen("relay", key="OUTBOX#after"))
            eventually(lambda: after.seen("consume", body="work after"))


def test_stopping_leaves_no_process_and_no_temporary_file(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path)
    outputs = deploy(cloud.endpoint, template=TEMPLATE, parameters=PARAMETERS)
    _, body = fetch(f"{outputs['ApiUrl']}/open")
    cloud.stop()
    cloud.stop()

    assert not cloud.is_running()
    assert not answers(cloud.endpoint)
    with pytest.raises(ProcessLookupError):
        os.kill(body["pid"], 0)
    assert not (tmp_path / "tmp").exists()


def test_the_cloud_ends_when_whoever_started_it_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, time; from local.cloud import Cloud\n"
        "print(Cloud(pathlib.Path(sys.argv[1])).endpoint, flush=True)\n"
        "time.sleep(600)\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=root, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        endpoint = starter.stdout.readline().decode().strip()
        assert answers(endpoint)
        starter.send_signal(signal.SIGKILL)
    eventually(lambda: not answers(endpoint))
    eventually(lambda: (tmp_path / "aws" / "s3.json").exists() or not (tmp_path / "tmp").exists())


def test_a_failed_stack_says_why_in_one_line_and_can_be_deployed_again(tmp_path: Path) -> None:
    broken = tmp_path / "template.yaml"
    broken.write_text(
        json.dumps(
            {
                "Resources": {
                    "Queue": {"Type": "AWS::SQS::Queue"},
                    "Night": {
                        "Type": "AWS::Scheduler::Schedule",
                        "Properties": {
                            "ScheduleExpression": "0 2 * * *",
                            "FlexibleTimeWindow": {"Mode": "OFF"},
                            "Target": {"Arn": {"Fn::GetAtt": ["Queue", "Arn"]}, "RoleArn": "arn:aws:iam::1:role/r"},
                        },
                    },
                }
            }
        )
    )
    with Cloud(tmp_path / "state") as cloud:
        with pytest.raises(DeployError, match=r"Night: Invalid Schedule Expression 0 2 \* \* \*") as error:
            deploy(cloud.endpoint, template=broken, parameters={}, stack_name="night")
        assert "\n" not in str(error.value)
        broken.write_text(broken.read_text().replace("0 2 * * *", "cron(0 2 * * ? *)"))
        assert deploy(cloud.endpoint, template=broken, parameters={}, stack_name="night") == {}
        with pytest.raises(DeployError, match=r"\[Unknown\] do not exist"):
            deploy(cloud.endpoint, template=broken, parameters={"Unknown": "1"}, stack_name="night")


def test_only_a_change_starts_functions_anew(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for path in TEMPLATE.parent.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            copy = source / path.relative_to(TEMPLATE.parent)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    with Cloud(tmp_path / "state") as cloud:
        first = deploy(cloud.endpoint, template=source / "template.yaml", parameters=PARAMETERS)
        _, before = fetch(f"{first['ApiUrl']}/open")
        again = deploy(cloud.endpoint, template=source / "template.yaml", parameters=PARAMETERS)
        _, unchanged = fetch(f"{again['ApiUrl']}/open")
        assert (again, unchanged["pid"]) == (first, before["pid"])

        echo = source / "functions" / "echo.py"
        echo.write_text(echo.read_text().replace('"statusCode": 200', '"statusCode": 201'))
        changed = deploy(
            cloud.endpoint, template=source / "template.yaml", parameters={**PARAMETERS, "Greeting": "xin chào"}
        )
        status, body = fetch(f"{changed['ApiUrl']}/open")
        assert changed == first
        assert (status, body["environment"]["GREETING"]) == (201, "xin chào")
