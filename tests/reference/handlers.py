"""All scenarios."""

from collections.abc import Mapping

from tests.reference import batches, blocks, changes, children, completion, interruptions, large, steps
from tests.reference.scenarios import Scenario

MODULES = (steps, children, blocks, batches, completion, large, interruptions, changes)
SCENARIOS: Mapping[str, Scenario] = {
    name: scenario for module in MODULES for name, scenario in module.scenario.by_name.items()
}
