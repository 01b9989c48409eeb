"""Races that other implementations of this protocol have had, as scenarios; `docs/races.md` is their table.

One module for each letter of that page. `registry` says what a race and a scenario are, `exploring` runs them,
`page` writes the table. `python -m tests.simulation.races --help` says what can be done from a shell.
"""
