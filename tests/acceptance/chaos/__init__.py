"""A hostile world for a few processes of ours: what falls on them, who lives through it, and
what is checked when it is over."""
