"""Durable workflows: what a user imports."""
