"""Treatment of a tumour switched by its marker: competing cells, rules for on and off, a patient's own curve of dose."""
