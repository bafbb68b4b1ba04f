"""Trails of millions of records, for whoever measures what reads them."""
