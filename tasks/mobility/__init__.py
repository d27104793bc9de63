"""From positions to moves, and from moves to the private table of trips."""
