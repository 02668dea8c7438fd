"""The public API: what a site's own code calls. `streams.__all__` names it."""
