"""Virtual patients and what is true of them; only trial, evaluate, calibrate, the demo and teaching may look."""
