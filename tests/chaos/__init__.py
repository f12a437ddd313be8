"""Days of trouble: what the connector tells is held to what the embedded exchange did, seed by seed."""
