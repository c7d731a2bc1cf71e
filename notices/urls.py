from django.urls import path, register_converter

from . import api, copies, list_views, log_views, subscribe_views, task_views, views
from .feeds import NoticeFeed, window_calendar
from .snapshots import prepared


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
    path("notices/", list_views.notice_list, name="list"),
    path("notices/<reference:reference>/", views.notice, name="notice"),
    path("notices/<reference:reference>.txt", copies.text, name="text"),
    path("notices/<reference:reference>.json", copies.json, name="json"),
    path("notices/<reference:reference>.pdf", copies.pdf, name="pdf"),
    path("notices/<reference:reference>.docx", copies.docx, name="docx"),
    path("notices/<reference:reference>/poster.pdf", copies.poster, name="poster"),
    path("notices/<reference:reference>/history/", views.history, name="history"),
    path("notices/<reference:reference>/editions/<int:number>/", views.edition, name="edition"),
    path("notices/<reference:reference>/editions/<int:number>.txt", copies.text, name="edition-text"),
    path("notices/<reference:reference>/editions/<int:number>.json", copies.json, name="edition-json"),
    path("notices/<reference:reference>/editions/<int:number>.pdf", copies.pdf, name="edition-pdf"),
    path("notices/<reference:reference>/editions/<int:number>.docx", copies.docx, name="edition-docx"),
    path(
        "notices/<reference:reference>/editions/<int:number>/attachments/<int:place>/<str:name>",
        views.edition_file,
        name="file",
    ),
    path("notices/<reference:reference>/editions/<int:number>/proof.json", log_views.proof, name="proof"),
    path("log/", log_views.log, name="log"),
    path("log/checkpoint", log_views.checkpoint, name="checkpoint"),
    path("log/entries", log_views.entries, name="entries"),
    path("feeds/notices.atom", prepared()(NoticeFeed()), name="feed"),
    path("calendar/windows.ics", window_calendar, name="calendar"),
    path("api/v1/notices", api.notices, name="api-notices"),
    path("api/v1/notices/<reference:reference>", api.notice, name="api-notice"),
    path("api/v1/notices/<reference:reference>/editions", api.editions, name="api-editions"),
    path("api/v1/rounds", api.rounds, name="api-rounds"),
    path("api/v1/tasks", api.tasks, name="api-tasks"),
    path("api/v1/organisations", api.organisations, name="api-organisations"),
    path("api/v1/log", api.log, name="api-log"),
    path("api/v1/openapi.json", api.openapi, name="openapi"),
    path("api/v1/<path:rest>", api.nothing),
    path("subscribe/", subscribe_views.subscribe, name="subscribe"),
    path("subscribe/sent/", subscribe_views.sent, name="subscribe-sent"),
    path("subscribe/confirm/<str:token>/", subscribe_views.confirm, name="confirm"),
    path("subscribe/leave/<str:token>/", subscribe_views.leave, name="leave"),
    path("rounds/", task_views.round_list, name="rounds"),
    path("rounds/<slug:slug>/", task_views.round_page, name="round"),
    path("tasks/<int:pk>/", task_views.task, name="task"),
]
