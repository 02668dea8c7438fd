"""`manage.py dev`: everything a new user needs, as child processes of one command."""
