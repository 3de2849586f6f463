"""A project with an encoder of its own."""
