"""A run of the gate, and what else is asked of models and datasets with the same parts: audits, margins, surveys."""
