"""Raw files: where they lie, what records they hold, and how published ones are fetched."""
