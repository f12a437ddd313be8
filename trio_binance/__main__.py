"""``python -m trio_binance`` is the command line."""

from ._cli.app import main

if __name__ == "__main__":
    main()
