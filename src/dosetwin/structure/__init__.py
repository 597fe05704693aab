"""Reusable physiology as pure functions with references: compartments, absorption, growth, kidney, effect."""
