"""A finished run: its metrics, its tables, its files, and several of them side by side."""
