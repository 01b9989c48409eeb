"""Every row of the benchmark by name, but `import`, which is no invocation."""

from tests.benchmarks.fan_outs import FAN_OUTS
from tests.benchmarks.workloads import CORE

WORKLOADS = {**CORE, **FAN_OUTS}
