"""The tests. A package, so that helpers are imported as `tests.xyz` whatever else is installed."""
