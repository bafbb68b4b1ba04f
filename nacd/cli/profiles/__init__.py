"""``nacd profiles``: what each profile says to each vendor, and where every word of it comes from."""
