"""A second engine in plain Python, written from docs/venue.md alone: readable, slow, and sharing no code with the compiled loop."""
