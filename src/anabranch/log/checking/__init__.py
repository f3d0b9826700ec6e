"""``anabranch check``: the bucket and the WAL against the metastore, while brokers run.

Nothing that is merely under way is reported. An object is named in the metastore before its bytes are
written and forgotten before they are deleted, so each doubt is looked at twice: what is missing is asked
for once more together with the rows that name it, and what nothing names must still be there, and still
unnamed, at the end.
"""
