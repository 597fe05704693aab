"""A trial of a place: its published rules, fixed numbers and the twin on virtual wards, judged by the therapy's own promises."""
