"""A connector to Binance Spot for Trio: structured, exact, supervised."""
