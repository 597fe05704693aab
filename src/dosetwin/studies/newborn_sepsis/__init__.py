"""The study of newborns with suspected sepsis: bodies and kidneys that are true, and an infection that answers the drug."""
