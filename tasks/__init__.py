"""Celery: the app, its queues and its clock. Every task is a few lines around the flow."""
