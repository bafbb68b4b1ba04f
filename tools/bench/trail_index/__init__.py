"""How long it takes to find something among ten million records."""
