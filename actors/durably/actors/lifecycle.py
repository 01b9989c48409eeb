"""The states of a durable operation.

The five states of a durable operation, and the phases that this actor tells apart in the first of them:

    EXECUTING        its work is under way: NEW (not begun), WATCHING (asked what has become of it),
                     STARTING (its START must be confirmed first), EXECUTING, ENDING (its end is not
                     confirmed yet), RETRYING (its RETRY is not confirmed yet)
    RETRY_WAITING    the service will make it ready again
    IDLE_NOT_AWAITED the service will complete it, and nobody waits for that yet
    IDLE_AWAITED     the service will complete it, and a task is parked until then
    COMPLETED        it is over; ORPHANED if that is because a context above it finished first
"""

import enum


class OperationState(enum.IntEnum):
    """Where the operation is; see the top of this file."""

    NEW = 0
    WATCHING = 1
    STARTING = 2
    EXECUTING = 3
    ENDING = 4
    RETRYING = 5
    RETRY_WAITING = 6
    IDLE_NOT_AWAITED = 7
    IDLE_AWAITED = 8
    COMPLETED = 9
    ORPHANED = 10


ALIVE = tuple(OperationState(number) for number in range(OperationState.WATCHING, OperationState.COMPLETED))
RESTING = (OperationState.RETRY_WAITING, OperationState.IDLE_AWAITED)
JUST_LEFT_REST = (
    OperationState.STARTING,
    OperationState.EXECUTING,
    OperationState.COMPLETED,
    OperationState.ORPHANED,
)
INDIFFERENT = (OperationState.EXECUTING, OperationState.COMPLETED, OperationState.ORPHANED)
EXPECTING = tuple(state for state in ALIVE if state is not OperationState.EXECUTING)
