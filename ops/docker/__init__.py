"""What the image is made of and begins with."""
