"""What the simulation measures before it reckons: a daemon with many organisations, and the lives of some bills."""
