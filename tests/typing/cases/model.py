"""What is recorded is never changed: a new record takes its place."""

import attrs

from durably.actors.model import Operation, OperationStatus, OperationType

operation = Operation("1", OperationType.STEP, OperationStatus.STARTED)
succeeded = attrs.evolve(operation, status=OperationStatus.SUCCEEDED)
finished: bool = succeeded.status.is_terminal

# assert-type-error-pyright: "Attribute \"status\" is read-only"
operation.status = OperationStatus.SUCCEEDED

# assert-type-error-pyright: "Literal\['SUCCEEDED'\].* is not assignable to \"OperationStatus\""
Operation("1", OperationType.STEP, "SUCCEEDED")
