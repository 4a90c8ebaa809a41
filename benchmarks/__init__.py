"""Measures pwb_oauth beside stock Pywikibot; see docs/performance.md."""
