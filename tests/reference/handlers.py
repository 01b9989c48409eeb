"""All scenarios."""

from collections.abc import Mapping

from tests.reference import (
    batches,
    blocks,
    callbacks,
    changes,
    children,
    completion,
    conditions,
    interruptions,
    invokes,
    large,
    large_swaps,
    side_by_side,
    steps,
    swaps,
    wait_for_callback,
)
from tests.reference.scenarios import Scenario

MODULES = (
    steps,
    children,
    blocks,
    callbacks,
    wait_for_callback,
    invokes,
    conditions,
    batches,
    completion,
    large,
    interruptions,
    changes,
    swaps,
    large_swaps,
    side_by_side,
)
SCENARIOS: Mapping[str, Scenario] = {
    name: scenario for module in MODULES for name, scenario in module.scenario.by_name.items()
}
