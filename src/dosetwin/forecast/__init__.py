"""What lies ahead of now: one folder is one quantity."""
