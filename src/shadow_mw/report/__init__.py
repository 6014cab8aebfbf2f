"""Shows a summary: as a table for people, as JSON for programs."""
