"""Screens of running loops and of --watch."""
