from django.urls import path

from . import tracking, views

app_name = "objections"
urlpatterns = [
    path("notices/<str:reference>/object/", views.object_to, name="object"),
    path("objections/received/", views.received, name="received"),
    path("objections/received/receipt.txt", views.receipt_text, name="receipt_text"),
    path("objections/track/", tracking.track, name="track"),
    path("objections/track/add/", tracking.add_material, name="add_material"),
    path("objections/track/withdraw/", tracking.withdraw, name="withdraw"),
    path("objections/track/erase/", tracking.ask_for_erasure, name="erase"),
    path("objections/track/data/", tracking.download, name="download"),
]
