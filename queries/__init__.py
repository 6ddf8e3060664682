"""The read side: explain, trace, provenance, personalize, verify. Nothing here writes."""
