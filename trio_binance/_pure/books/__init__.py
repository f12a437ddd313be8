"""Books: what keeps one in step with the exchange, without waiting for anything."""
