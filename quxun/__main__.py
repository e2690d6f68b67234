"""``python -m quxun`` is ``quxun``."""

from quxun.cli import main

if __name__ == "__main__":
    main()
