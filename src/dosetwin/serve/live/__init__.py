"""Live data: laboratory and pharmacy messages (HL7 v2 over MLLP), bedside streams (MQTT), alerts."""
