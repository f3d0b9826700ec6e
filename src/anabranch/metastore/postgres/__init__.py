"""The PostgreSQL engine of the metastore; needs the driver psycopg (``pip install 'anabranch[postgres]'``)."""
