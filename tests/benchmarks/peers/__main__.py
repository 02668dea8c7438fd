"""Installs what npm has of the peers, outside of the tree."""

from tests.judges import clients

PACKAGES = {"resumable-stream": {"resumable-stream": "2.2.13", "redis": "5.8.0"}}

if __name__ == "__main__":
    clients.install(PACKAGES)
