"""Importers: they only write data sets."""
