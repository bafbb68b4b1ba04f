"""What the one writer of a trail is made of: the file, its end, the head, keys, anchors, rotation, the disk."""
