"""How the embedded service says no.

`ServiceError` is an answer of the service to a caller of its API: it has a status code and an error
code as the Lambda API has, and the client in front of the service translates it. The others are
about the service itself (its database, its handlers) and reach whoever runs it.
"""


class ServiceError(Exception):
    """The service refuses a call, or cannot carry it out.

    Attributes:
        status_code: as over HTTP: 4xx is the caller's fault, 5xx the service's.
        code: the name of the error in the Lambda API.
        message: what was wrong.
    """

    def __init__(self, status_code: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.code = code
        self.message = message

    @property
    def response(self) -> dict[str, object]:
        """The answer as botocore would have it, for `BotoClientError.from_exception`."""
        return {
            "Error": {"Code": self.code, "Message": self.message},
            "ResponseMetadata": {"HTTPStatusCode": self.status_code},
        }


def invalid(message: str) -> ServiceError:
    """A 400 for what the caller sent."""
    return ServiceError(400, "InvalidParameterValueException", message)


def not_found(message: str) -> ServiceError:
    """A 404 for what the caller named."""
    return ServiceError(404, "ResourceNotFoundException", message)


INVALID_TOKEN = "Invalid checkpoint token"
"""The message of every refused token. Clients recognize the case by it, so it must not change."""


class LocalServiceError(Exception):
    """Something is wrong with the embedded service itself, rather than with a call of its API."""


class DatabaseError(LocalServiceError):
    """The file is not a database of this service, or a damaged or a newer one. It was not changed."""


class DatabaseInUseError(LocalServiceError):
    """Another process owns the database. Its process id is in the message."""


class HandlerNotFoundError(LocalServiceError):
    """The code of an execution cannot be loaded: no file is known, or it has no such handler."""


class ServiceClosedError(LocalServiceError):
    """The service has been closed, or is closing: it takes no new work."""
