"""Trains one model in an isolated process: reads a workspace folder, writes the model and its evidence."""
