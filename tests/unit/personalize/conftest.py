"""The service behind a real port, an S3 stand-in beside it, and a school whose data is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local.personalize import PersonalizeService
from local.personalize.__main__ import application
from tests.unit.personalize.cloud import (
    INTERACTION_FIELDS,
    ITEM_FIELDS,
    ITEMS,
    T0,
    TOY,
    USER_FIELDS,
    Cloud,
    School,
    interaction_rows,
)
from tests.unit.personalize.servers import ObjectStore, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture(scope="session")
def store(server: Server) -> tuple[ObjectStore, str]:
    objects = ObjectStore()
    return objects, server.add(objects)


@pytest.fixture(scope="session")
def launch(server: Server, store: tuple[ObjectStore, str]) -> Iterator[Callable[..., Cloud]]:
    """Start a service on a state directory."""
    running: list[PersonalizeService] = []

    def start(state_dir: Path, *, time_scale: float = 0.0001, recommender: str = TOY, **more: Any) -> Cloud:
        service = PersonalizeService(
            state_dir, time_scale=time_scale, s3_endpoint_url=lambda: store[1], recommender=recommender, **more
        )
        service.start()
        running.append(service)
        return Cloud(service, server.add(application(service)), store[0])

    yield start
    for service in running:
        service.close()


@pytest.fixture(scope="session")
def cloud(launch: Callable[..., Cloud], tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    """One service for all tests that need no state of their own."""
    return launch(tmp_path_factory.mktemp("personalize"), allow_faults=True)


@pytest.fixture(autouse=True)
def no_faults(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that fails must not leave its faults to the others."""
    yield
    if "cloud" in request.fixturenames:
        request.getfixturevalue("cloud").service._account.faults.clear()


@pytest.fixture(scope="session")
def school(cloud: Cloud) -> School:
    schemas = [
        cloud.schema("Interactions", INTERACTION_FIELDS),
        cloud.schema("Items", ITEM_FIELDS),
        cloud.schema("Users", USER_FIELDS),
    ]
    group = cloud.group("school")
    made = School(
        group,
        *(
            cloud.dataset(group, kind, arn)
            for kind, arn in zip(("Interactions", "Items", "Users"), schemas, strict=True)
        ),
    )
    header = [field["name"] for field in INTERACTION_FIELDS]
    cloud.upload("bucket/interactions/part-0.csv", header, interaction_rows()[:600])
    location = cloud.upload("bucket/interactions/part-1.csv", header, interaction_rows()[600:]).rpartition("/")[0]
    cloud.run_import("interactions", made.interactions, location)
    items = [
        [item, "course" if at % 3 else "quiz", f"class-{at % 2}|all", 10.0 * at, "true", T0]
        for at, item in enumerate(ITEMS)
    ]
    cloud.run_import("items", made.items, cloud.upload("bucket/items.csv", [f["name"] for f in ITEM_FIELDS], items))
    users = [[f"user-{user}", "vi" if user % 2 else "en", 20 + user % 5] for user in range(130)]
    cloud.run_import("users", made.users, cloud.upload("bucket/users.csv", [f["name"] for f in USER_FIELDS], users))
    return made


@pytest.fixture(scope="session")
def campaign(cloud: Cloud, school: School) -> str:
    """A deployed user-personalization model."""
    solution = cloud.solution("personal", school.group, "aws-user-personalization-v2")
    return cloud.deploy("personal", cloud.train(solution), campaignConfig={"enableMetadataWithRecommendations": True})
