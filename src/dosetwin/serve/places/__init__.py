"""Places that the service follows beside patients: which wards, what is on record of them, what the twin answers."""
