"""Glue: what a crawler with catalogue targets adds to the catalogue."""

import uuid
from typing import Any

import pytest

from tests.integration.sample.stack import Sample, eventually

pytest_plugins = ["tests.integration.sample.plugin"]
FORMAT = {"SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde"}}
COLUMNS = [{"Name": "user_id", "Type": "string"}]


class Lake:
    """A bucket, a table over one of its folders, and a crawler of that table."""

    def __init__(self, sample: Sample) -> None:
        self.name = f"lake-{uuid.uuid4().hex[:8]}"
        self.s3, self.glue = sample.client("s3"), sample.client("glue")
        self.s3.create_bucket(Bucket=self.name, CreateBucketConfiguration={"LocationConstraint": "ap-southeast-1"})
        self.glue.create_database(DatabaseInput={"Name": self.name})
        storage = {"Location": f"s3://{self.name}/data/users/", "Columns": COLUMNS, **FORMAT}
        keys = [{"Name": "run", "Type": "string"}]
        table = {"Name": "users", "StorageDescriptor": storage, "PartitionKeys": keys}
        self.glue.create_table(DatabaseName=self.name, TableInput=table)
        targets = {"CatalogTargets": [{"DatabaseName": self.name, "Tables": ["users", "dropped"]}]}
        role = "arn:aws:iam::000000000000:role/crawler"
        self.glue.create_crawler(Name=self.name, Role=role, DatabaseName=self.name, Targets=targets)

    def put(self, key: str) -> None:
        self.s3.put_object(Bucket=self.name, Key=key, Body=b"USER_ID\n1\n")

    def crawl(self) -> None:
        self.glue.start_crawler(Name=self.name)
        eventually(lambda: self.glue.get_crawler(Name=self.name)["Crawler"]["State"] == "READY")

    def partitions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.glue.get_partitions(DatabaseName=self.name, TableName="users")["Partitions"]
        return found


@pytest.fixture
def lake(sample: Sample) -> Lake:
    return Lake(sample)


def test_a_crawl_adds_the_folders_that_glue_does_not_know(lake: Lake) -> None:
    for key in ("run=2/part-0.csv", "run=1/part-0.csv", "run=1/part-1.csv", "stray.csv", "other=1/part-0.csv"):
        lake.put(f"data/users/{key}")
    lake.put("data/users-old/run=9/part-0.csv")
    lake.crawl()
    first, second = lake.partitions()
    assert [first["Values"], second["Values"]] == [["1"], ["2"]]
    storage = first["StorageDescriptor"]
    assert storage["Location"] == f"s3://{lake.name}/data/users/run=1/"
    assert (storage["Columns"], storage["SerdeInfo"]) == (COLUMNS, FORMAT["SerdeInfo"])


def test_another_crawl_adds_what_is_new_and_removes_nothing(lake: Lake) -> None:
    lake.put("data/users/run=1/part-0.csv")
    lake.crawl()
    (first,) = lake.partitions()
    lake.s3.delete_object(Bucket=lake.name, Key="data/users/run=1/part-0.csv")
    lake.put("data/users/run=2/part-0.csv")
    lake.crawl()
    kept, added = lake.partitions()
    assert kept == first
    assert added["Values"] == ["2"]
