"""Mutants of the actors, made and hunted mechanically: `python -m tests.simulation.mechanical`.

`mutants` makes them, `grounds` and `workflows` are where they are hunted, `hunting` hunts, `known` keeps what
came of it, `page` writes it down for people.
"""
