"""The applications that are compared. Each module is imported in its own environment only."""
