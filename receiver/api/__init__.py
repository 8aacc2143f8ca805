"""The interface for the grants platform: `/api/v1`."""
