"""Who a client is and what it proved: principals, TLS, SASL, users and delegation tokens.

Authentication only; what a principal may do is decided elsewhere.
"""
