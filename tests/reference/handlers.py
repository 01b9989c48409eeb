"""All scenarios."""

from collections.abc import Mapping

from tests.reference.batches import BATCHES
from tests.reference.children import CHILDREN
from tests.reference.scenarios import Scenario
from tests.reference.steps import STEPS

SCENARIOS: Mapping[str, Scenario] = {**STEPS.by_name, **CHILDREN.by_name, **BATCHES.by_name}
