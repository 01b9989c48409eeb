"""What cannot be run where, and why. Everything else must pass."""

from collections.abc import Mapping

CANNOT_RUN: Mapping[tuple[str, str], str] = {}
"""By service and requirement."""
