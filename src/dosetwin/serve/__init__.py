"""The service: application, routes, store, settings, roles."""
