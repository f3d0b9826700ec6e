"""Who may do what: ACLs as Kafka has them, and the right of replaying beside them."""
