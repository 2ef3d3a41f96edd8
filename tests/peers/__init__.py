"""The other side of every conversation: real servers and clients that can be told to misbehave."""
