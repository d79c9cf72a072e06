"""The music players, and the thread that makes all calls to the one in use."""
