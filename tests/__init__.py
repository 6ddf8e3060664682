"""Folders mirror the rooms; what several of them need stands here beside the tests of the house."""
