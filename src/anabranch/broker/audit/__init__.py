"""The audit log: who authenticated, was refused, changed what, moved which offsets, read which ranges.

Whoever has something to tell calls :meth:`AuditSink.record` of ``broker.audit``; where no audit log is
configured that is :data:`NOBODY`.
"""
