"""Making a cluster's metastore anew from its bucket and WAL (I9).

    journal  →  what the metastore held about a second ago, exactly
    WAL      →  what was acknowledged since, in the order of each broker's flushes
    segments →  what neither of the two knows any more

Everything is put into a new SQLite file first, whatever the metastore's engine: nobody else looks at it, it
can be thrown away and begun again, and only a whole one becomes a metastore. What is not exactly known is
listed in the report, never guessed silently.
"""
