"""The steps by which the tables came to be what they are, applied in the order of their numbers."""
