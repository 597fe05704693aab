"""A trial of any therapy: its published rules, fixed orders and the twin on virtual patients, judged by its own goals."""
