"""What an engine must do, by what it is about; see ``metastore/api.py``."""
