#!/usr/bin/env python3
"""Entry point of every command: `python manage.py help` lists them."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from portal import keys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    keys.prepare(sys.argv[1:])
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # Whoever sets the portal up needs the sentence, not forty lines of traceback above it.
        sys.exit(f"无法启动：{error}")


if __name__ == "__main__":
    main()
