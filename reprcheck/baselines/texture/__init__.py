"""The textural baseline: local statistics of grey levels, channel by channel, that nobody learned."""
