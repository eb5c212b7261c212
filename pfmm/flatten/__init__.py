"""The emergency path: cancel, prove, reduce, prove flat."""
