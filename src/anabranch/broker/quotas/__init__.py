"""Kafka's client quotas: how much users, client ids and addresses may do on each broker."""
