"""The paper exchange behind a socket, with faults on demand."""
