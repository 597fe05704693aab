"""What follows from a trajectory beside its levels: one folder is one consequence."""
