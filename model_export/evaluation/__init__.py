"""How well scores agree with labels and with people."""
