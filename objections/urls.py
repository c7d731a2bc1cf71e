from django.urls import path

from . import views

app_name = "objections"
urlpatterns = [
    path("notices/<str:reference>/object/", views.object_to, name="object"),
    path("objections/received/", views.received, name="received"),
    path("objections/track/", views.track, name="track"),
]
