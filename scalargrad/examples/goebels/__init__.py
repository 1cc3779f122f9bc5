"""Goebels, Learning representations by back-propagating errors."""
