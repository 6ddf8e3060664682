"""Teach the network that relates two statements; `python -m training` makes the shipped one anew."""
