"""What records come to: metrics, and log lines in JSON."""
