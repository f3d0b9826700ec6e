"""What was rebuilt takes its place, and goes back."""
