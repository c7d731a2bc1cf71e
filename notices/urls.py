from django.urls import path, register_converter

from . import log_views, task_views, views
from .feeds import NoticeFeed


class Reference:
    """YYYY-NNNN, as given at publication."""

    regex = r"\d{4}-\d{4,7}"

    def to_python(self, value: str) -> str:
        return value

    to_url = to_python


register_converter(Reference, "reference")

app_name = "notices"
urlpatterns = [
    path("", views.home, name="home"),
    path("notices/", views.notice_list, name="list"),
    path("notices/<reference:reference>/", views.notice, name="notice"),
    path("notices/<reference:reference>.txt", views.notice_text, name="text"),
    path("notices/<reference:reference>.json", views.notice_json, name="json"),
    path("notices/<reference:reference>/history/", views.history, name="history"),
    path("notices/<reference:reference>/editions/<int:number>/", views.edition, name="edition"),
    path("notices/<reference:reference>/editions/<int:number>.json", views.edition_json, name="edition-json"),
    path(
        "notices/<reference:reference>/editions/<int:number>/attachments/<int:place>/<str:name>",
        views.edition_file,
        name="file",
    ),
    path("notices/<reference:reference>/editions/<int:number>/proof.json", log_views.proof, name="proof"),
    path("log/", log_views.log, name="log"),
    path("log/checkpoint", log_views.checkpoint, name="checkpoint"),
    path("log/entries", log_views.entries, name="entries"),
    path("feeds/notices.atom", NoticeFeed(), name="feed"),
    path("rounds/", task_views.round_list, name="rounds"),
    path("rounds/<slug:slug>/", task_views.round_page, name="round"),
    path("tasks/<int:pk>/", task_views.task, name="task"),
]
