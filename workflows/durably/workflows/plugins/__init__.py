"""How plugins are told of an invocation; what they are told, and what a plugin is, stands in `plugin.py`.

Only invocations with plugins import this.
"""
