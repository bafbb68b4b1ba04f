"""What an editor is told beyond types: an example for every key."""
