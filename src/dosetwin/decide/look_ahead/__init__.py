"""Several doses ahead: a controller on a belief about body and infection."""
