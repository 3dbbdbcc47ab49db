"""Shipping: functions and arguments to bytes, results and failures back, and what is trusted."""
