"""What the illustrations show, computed from finished cells; figures draw it."""
