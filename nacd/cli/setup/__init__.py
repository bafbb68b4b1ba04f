"""``nacd init``: a first configuration out of a few answers, whole or not at all."""
