"""Calibration: how well stated confidences match reviewers' verdicts."""
