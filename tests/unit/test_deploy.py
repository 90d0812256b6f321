"""What the deployer packages, and how it names what is wrong."""

import io
import zipfile
from pathlib import Path

import pytest
from moto import mock_aws

from local.deploy import DeployError, deploy, local_address, zipped


def code(folder: Path) -> Path:
    (folder / "wing" / "__pycache__").mkdir(parents=True)
    (folder / "wing" / "handler.py").write_text("print('xin chào')\n")
    (folder / "wing" / "templates").mkdir()
    (folder / "wing" / "templates" / "mail.txt").write_text("Chào bạn")
    (folder / "wing" / "__pycache__" / "handler.cpython-311.pyc").write_bytes(b"compiled")
    return folder


def test_the_package_holds_the_sources_and_nothing_compiled(tmp_path: Path) -> None:
    archive = zipfile.ZipFile(io.BytesIO(zipped(code(tmp_path))))
    assert sorted(archive.namelist()) == ["wing/handler.py", "wing/templates/mail.txt"]
    assert archive.read("wing/templates/mail.txt").decode() == "Chào bạn"


def test_the_same_sources_make_the_same_package(tmp_path: Path) -> None:
    first = zipped(code(tmp_path / "a"))
    again = code(tmp_path / "b")
    for path in again.rglob("*.py"):
        path.touch()
    assert zipped(again) == first
    (again / "wing" / "handler.py").write_text("print('tạm biệt')\n")
    assert zipped(again) != first


def test_an_empty_package_is_a_readable_archive() -> None:
    assert zipfile.ZipFile(io.BytesIO(zipped(None))).namelist() == []


@pytest.mark.parametrize(
    ("in_aws", "here"),
    [
        ("https://ab12cd.execute-api.ap-southeast-1.amazonaws.com", "/_aws/execute-api/ab12cd/$default"),
        ("https://ab12cd.execute-api.ap-southeast-1.amazonaws.com/", "/_aws/execute-api/ab12cd/$default"),
        ("https://ab12cd.execute-api.ap-southeast-1.amazonaws.com/dev", "/_aws/execute-api/ab12cd/dev"),
        ("http://sqs.localhost:80/000000000000/mail", "/000000000000/mail"),
    ],
)
def test_addresses_among_the_outputs_are_those_of_the_local_cloud(in_aws: str, here: str) -> None:
    assert local_address("http://127.0.0.1:4000", in_aws) == f"http://127.0.0.1:4000{here}"


@pytest.mark.parametrize("value", ["student-event-bus", "https://student-system.com", "arn:aws:sqs:x:1:queue"])
def test_other_outputs_are_left_alone(value: str) -> None:
    assert local_address("http://127.0.0.1:4000", value) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Resources: {Unclosed: [", "template.yaml"),
        ("Description: no resources\n", "template.yaml"),
        ("- a list", "template.yaml"),
        (
            "Resources: {F: {Type: 'AWS::Serverless::Function', Properties: {CodeUri: nowhere/}}}",
            "no such folder",
        ),
        (
            "Resources: {M: {Type: 'AWS::Serverless::StateMachine', Properties: {DefinitionUri: nowhere.asl.yaml}}}",
            "nowhere.asl.yaml",
        ),
    ],
)
def test_a_broken_template_is_one_line(tmp_path: Path, text: str, reason: str) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(text)
    with mock_aws(), pytest.raises(DeployError, match=reason) as error:
        deploy("https://s3.ap-southeast-1.amazonaws.com", template=template, parameters={})
    assert "\n" not in str(error.value)


def test_a_missing_template_is_one_line(tmp_path: Path) -> None:
    with mock_aws(), pytest.raises(DeployError, match=r"cannot read .*gone\.yaml") as error:
        deploy("https://s3.ap-southeast-1.amazonaws.com", template=tmp_path / "gone.yaml", parameters={})
    assert "\n" not in str(error.value)


def test_nobody_listening_is_one_line(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text("Resources: {}")
    with pytest.raises(DeployError, match="Could not connect") as error:
        deploy("http://127.0.0.1:9", template=template, parameters={})
    assert "\n" not in str(error.value)
