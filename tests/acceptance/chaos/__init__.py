"""A storm for a few real processes: what is broken, which clients live through it, and what is
checked at the end.
"""
