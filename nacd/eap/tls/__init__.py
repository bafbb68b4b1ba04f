"""What TLS shows of a peer, piece by piece."""
