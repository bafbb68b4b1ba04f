"""``python -m nacd``."""

from nacd.cli.main import main

main()
