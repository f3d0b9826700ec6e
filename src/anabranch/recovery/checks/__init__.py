"""Relations compared: is what was rebuilt right?"""
