"""Servers as processes, whoever wrote them: started, read from outside, and ended for certain."""
