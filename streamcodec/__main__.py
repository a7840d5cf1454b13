"""`python -m streamcodec`."""

from streamcodec.cli import main

if __name__ == "__main__":
    main()
