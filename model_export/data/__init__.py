"""Labelled reviews, read and turned into token ids."""
