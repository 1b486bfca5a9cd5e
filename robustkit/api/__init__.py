"""One function per command, with the names and defaults of the command."""
