"""Forms of loss surface whose frontier may bend, given few rows: a posterior of each under a weak prior."""
