"""A release gate for microscopy representation models."""
