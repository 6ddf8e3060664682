"""Fitting the parameters to recorded histories: what is read of a user, how a whole population is run forward, the fit.

Pure but for the reading of records. Who is held out, what is scored and what is written is decided above
(`beliefgraph.calibration`).
"""
