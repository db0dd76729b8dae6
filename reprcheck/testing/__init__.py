"""For those who extend reprcheck: toy encoders that know one thing each (`toys`)."""
