"""What credentials are stored in, one store a module."""
