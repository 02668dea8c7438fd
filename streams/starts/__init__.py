"""Prompts that arrive together, stored together before Django's handler.

Only what can be answered with a plain success is answered here, by the rules of the views. All else
is left to Django's handler, which is given the request as it came: every refusal and every rare
case is worded there.
"""
