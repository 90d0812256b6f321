"""The refusals the service answers with, one class per modelled error."""

from __future__ import annotations


class ServiceError(Exception):
    """A refusal that travels to the client as `code` with an HTTP status of the service model."""

    code = "InternalServerException"
    status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInput(ServiceError):
    """A field of the request has no acceptable value."""

    code = "InvalidInputException"
    status = 400


class InvalidNextToken(ServiceError):
    """The paging token was not issued by this listing."""

    code = "InvalidNextTokenException"
    status = 400


class ResourceNotFound(ServiceError):
    """No resource has the given ARN."""

    code = "ResourceNotFoundException"
    status = 400


class ResourceAlreadyExists(ServiceError):
    """A resource of that name exists."""

    code = "ResourceAlreadyExistsException"
    status = 400


class ResourceInUse(ServiceError):
    """The resource, or one that depends on it, is not in a state that allows the call."""

    code = "ResourceInUseException"
    status = 400


class LimitExceeded(ServiceError):
    """A quota would be exceeded."""

    code = "LimitExceededException"
    status = 400


class TooManyTags(ServiceError):
    """More than 50 tags on one resource."""

    code = "TooManyTagsException"
    status = 400


class TooManyTagKeys(ServiceError):
    """More than 50 tag keys in one request."""

    code = "TooManyTagKeysException"
    status = 400


class Serialization(ServiceError):
    """The body is not JSON, or not a JSON object."""

    code = "SerializationException"
    status = 400


class NotImplementedHere(ServiceError):
    """The operation exists in AWS but not in this service."""

    code = "NotImplementedException"
    status = 501


class Throttled(ServiceError):
    """Rate exceeded; raised by fault injection only."""

    code = "ThrottlingException"
    status = 400


class Outdated(Exception):
    """Another job changed meanwhile what a job started from: it must do its work again."""


class JobFailed(Exception):
    """A background job ends without success; the text becomes its `failureReason`."""
