"""What a report of an error may hold: where it happened, and nothing of what anybody typed or sent."""

from django.conf import settings
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

SENT = ("request_GET_items", "request_FILES_items", "request_COOKIES_items", "filtered_POST_items")


class NoValues(SafeExceptionReporterFilter):
    """Outside DEBUG no values of variables, and nothing that was posted."""

    def get_safe_request_meta(self, request):
        hidden = ("HTTP_COOKIE", "QUERY_STRING") if self.is_active(request) else ()
        return {name: value for name, value in super().get_safe_request_meta(request).items() if name not in hidden}

    def get_post_parameters(self, request):
        return {} if self.is_active(request) else super().get_post_parameters(request)

    def get_traceback_frame_variables(self, request, tb_frame):
        return [] if self.is_active(request) else super().get_traceback_frame_variables(request, tb_frame)


class Report(ExceptionReporter):
    """Nor what else came with the request, such as the names of files."""

    def get_traceback_data(self):
        data = super().get_traceback_data()
        return data if settings.DEBUG else data | dict.fromkeys(SENT, ())
