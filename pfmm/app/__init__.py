"""The use cases: one file each, a frozen request in and a frozen result out."""
