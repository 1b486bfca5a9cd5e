"""Run folders: what a run wrote, and how it is found and read again."""
