"""Authorization profiles in each vendor's words: intentions in, named and encoded reply attributes out."""
