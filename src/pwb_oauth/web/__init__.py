"""Web tools whose visitors each act as themselves. Import what you use from its own module."""
