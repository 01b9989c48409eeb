"""Sizes that more than one module keeps to."""

CHECKPOINT_SIZE_LIMIT_BYTES = 256 * 1024
"""In bytes; what is larger than that does not belong into a checkpoint."""
