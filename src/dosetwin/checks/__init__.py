"""Is this record believable, for this drug and this kind of patient."""
