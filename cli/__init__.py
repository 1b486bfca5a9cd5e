"""The robustkit command line: parse, call the api, print."""
