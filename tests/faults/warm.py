"""The portal's application after one request, so that a worker forked from it answers at once."""

import io

from django.db import connections

from portal.wsgi import application

ENVIRON = {
    "REQUEST_METHOD": "GET",
    "PATH_INFO": "/objections/track/",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "80",
    "HTTP_HOST": "127.0.0.1",
    "wsgi.url_scheme": "http",
    "wsgi.input": io.BytesIO(),
}

b"".join(application(ENVIRON, lambda *answer: None))
connections.close_all()
