# `just` lists these; each is one command that works without it too.

_list:
    @just --list

# Everything at once, to try it out here: PostgreSQL, a small model, a worker and the web
dev *options:
    uv run manage.py dev {{ options }}

# The tests, on a throwaway PostgreSQL; `just test tests/views -n 0` for some of them
test *options:
    uv run pytest {{ options }}

# What a commit has to pass
check:
    uv run ruff check
    uv run ruff format --check
    uv run mypy
    uv run manage.py makemigrations --check

# Mend what can be mended by itself, and write the page of settings
fix:
    uv run ruff check --fix
    uv run ruff format
    uv run docs/settings_reference.py

# The site of the documentation, into docs/_build
docs:
    uv run sphinx-build -W docs docs/_build

# Everything a change has to pass, on a clean Debian as root
ci:
    .ci/run
