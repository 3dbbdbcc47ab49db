"""Values and states as text, HTML and SVG that need neither a kernel nor JavaScript.

Below ``remote``, because a run can write a report without a notebook. Knows nothing of calls.
"""
