"""Files that people attach to prompts: what they are, what they are called, and where they lie."""
