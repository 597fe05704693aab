"""Loops that act every few minutes: a belief that is moved on by each reading, controllers, and limits outside of both."""
