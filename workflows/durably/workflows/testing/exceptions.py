"""What the testing tools raise.

    Exception
    ├ DurableFunctionsTestError              the test asks for what is not there, or cannot be
    └ DurableFunctionsLocalRunnerError
      └ AwsApiException                      what the service would refuse, in the words of the Lambda API
        ├ InvalidParameterValueException     400
        └ ResourceNotFoundException          404

Beside these: `TypeError` for what is no durable handler, and `TimeoutError` when what a test waits for does
not come.
"""


class DurableFunctionsTestError(Exception):
    """A test asks for what is not there: an operation, a callback, an execution, a function."""


class DurableFunctionsLocalRunnerError(Exception):
    """Something is wrong with the runner or with a call of it."""


class AwsApiException(DurableFunctionsLocalRunnerError):  # noqa: N818  # the official name
    """The service refuses. `http_status_code` is what it would answer with over HTTP."""

    http_status_code = 500


class InvalidParameterValueException(AwsApiException):
    """An argument that the service does not take."""

    http_status_code = 400

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ResourceNotFoundException(AwsApiException):
    """There is no such execution, or no such callback that waits."""

    http_status_code = 404

    def __init__(self, Message: str) -> None:  # noqa: N803  # the service's own spelling
        super().__init__(Message)
        self.Message = Message
