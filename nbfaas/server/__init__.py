"""``nbfaas serve``: deployed functions with their triggers, outside any notebook."""
