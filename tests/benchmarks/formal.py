"""The baseline of objections: a Django view that validates the same form and stores nothing."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, HttpResponseRedirect

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.faults.settings")
settings.ROOT_URLCONF = __name__
application = get_wsgi_application()

from django.urls import path  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402

from notices.models import PublicityNotice  # noqa: E402
from objections.forms import ObjectionForm  # noqa: E402


@csrf_exempt
def validate(request, reference):
    notice = PublicityNotice.objects.public().select_related("edition__receiving_office").get(reference=reference)
    form = ObjectionForm(request.POST, request.FILES, notice=notice, document=notice.edition.read())
    if not form.is_valid():
        raise ValueError(form.errors)
    return HttpResponseRedirect("/objections/received/", status=303)


urlpatterns = [path("notices/<reference>/object/", validate), path("health/live", lambda request: HttpResponse())]
