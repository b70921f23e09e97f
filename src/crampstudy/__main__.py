"""``python -m crampstudy`` is the command line."""

from crampstudy.cli import main

if __name__ == "__main__":
    main()
