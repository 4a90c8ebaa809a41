"""A review tool: recent edits that nobody has looked at, patrolled by whoever is signed in."""
