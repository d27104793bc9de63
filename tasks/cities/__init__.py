"""Simulated cities: laws of trips that were made without any data, for choices and measurements."""
