"""``python -m flaremon`` is the command line."""

from flaremon.cli import main

if __name__ == "__main__":
    main()
