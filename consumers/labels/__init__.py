"""What people say of reviews: published and followed (``log``), and taken along as training data (``export``)."""
