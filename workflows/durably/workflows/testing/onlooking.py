"""What an onlooker may do and nobody else: look at what is no part of the surface of the library."""

from collections.abc import Callable
from typing import Any

peek: Callable[[object, str], Any] = getattr
"""An attribute of somebody else's, by its name."""
