"""Models without a network: fitted on development cases, judged like any other."""
