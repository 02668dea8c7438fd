"""Files that people attach to prompts: their types, names, metadata and storage."""
