"""The doors of Quxun: command line, web, the embedded service and a simulated country."""

__version__ = "0.1.0"
