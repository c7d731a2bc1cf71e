"""What gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

from .encodings import OnlyUtf8

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

application = OnlyUtf8(get_wsgi_application())
