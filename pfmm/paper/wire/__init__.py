"""The languages that the paper exchange answers, one dialect a file."""
