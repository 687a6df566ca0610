"""What each panel shows, computed as plain values from the view; nothing here draws."""
