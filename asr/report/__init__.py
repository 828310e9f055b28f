"""Reports: evaluations as tables and as a page for the browser."""
