"""Drift in production: has what comes in changed, or what the policy makes of it?"""
