"""What the workflows of this folder share: steps that fail, how they are tried again, what a map came to."""

from durably.workflows import (
    BatchResult,
    NestingType,
    StepConfig,
    StepSemantics,
)
from durably.workflows.config import CompletionConfig
from tests.simulation.realistic import attempts

CAREFUL = StepConfig(step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY, retry_strategy=attempts(20))
CAREFUL_ONCE = StepConfig(retry_strategy=attempts(2), step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY)
ONCE = StepConfig(retry_strategy=attempts(1))
FIRST = CompletionConfig.first_successful()
FLAT = NestingType.FLAT


def flaky(step):
    """Fails in its first attempt."""
    if step.attempt == 1:
        raise ValueError("the first attempt")
    return step.attempt


def broken(_step):
    """Always fails."""
    raise ValueError("broken")


def summary(batch: BatchResult):
    """What there is to know of it."""
    return [batch.completion_reason.value, [item.status.value for item in batch.all]]
