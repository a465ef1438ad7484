"""What all parts of the demo share."""
