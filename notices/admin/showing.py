"""Admin of where notices were shown beside this site, with a photo as proof, and of when the site was away."""

import datetime

from django import forms
from django.contrib import admin
from django.core.files.base import ContentFile
from django.db import models
from django.http import Http404, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from notices import attachments, clamd, pictures
from notices.models import Display, Outage
from notices.models.showing import days_to_give_back

from . import linking
from .scoped import StaffAdmin

MINUTE = datetime.timedelta(minutes=1)
CHOOSE_AGAIN = "其他内容都还在；照片没有保存，请重新选择。"


class PhotoInput(forms.FileInput):
    """Chooses a photo; the one that is there is shown beside the form, not offered for download."""

    template_name = "django/forms/widgets/file.html"


class DisplayForm(forms.ModelForm):
    class Meta:
        model = Display
        fields = ("notice", "kind", "place", "shown_from", "shown_to", "photo")
        day = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        widgets = {
            "shown_from": day,
            "shown_to": day,
            "photo": PhotoInput(attrs={"accept": ".jpg,.jpeg,.png"}),
        }
        help_texts = {"notice": "没有选项的，请打开那份公示，再点“登记展示情况”。"}

    def clean_photo(self):
        """The photo as it will be kept: decoded and encoded anew."""
        photo = self.cleaned_data["photo"]
        if not photo or photo == self.instance.photo:
            return photo
        try:
            checked = attachments.check(photo)
            if checked.kind not in ("jpeg", "png"):
                raise attachments.Refused("照片只接收 JPEG 和 PNG")
            clamd.check(photo)
            photo.seek(0)
            return ContentFile(pictures.bare_copy(photo.read(), checked.kind), f"photo.{checked.kind}")
        except attachments.Refused as refusal:
            raise forms.ValidationError(f"{refusal}。") from None
        except pictures.Unreadable:
            raise forms.ValidationError("照片打不开，请重新拍照或另存为 JPEG 后再选择。") from None

    def clean(self):
        cleaned = super().clean()
        if self.files and self.errors and "photo" not in self.errors:
            self.add_error("photo", CHOOSE_AGAIN)
        return cleaned


@admin.register(Display)
class DisplayAdmin(StaffAdmin):
    form = DisplayForm
    list_display = ("place", "kind", "notice", "shown_from", "shown_to", "photo_link")
    list_filter = ("kind",)
    list_select_related = ("notice",)
    search_fields = ("place", "notice__title", "notice__reference")
    autocomplete_fields = ("notice",)
    actions = None

    def get_readonly_fields(self, request, obj=None):
        return ("photo_link",) if obj and obj.photo else ()

    def get_urls(self):
        view = self.admin_site.admin_view(never_cache(require_safe(self.photo)))
        return [path("<int:pk>/photo/", view, name="notices_display_photo"), *super().get_urls()]

    def save_model(self, request, obj, form, change):
        if not change:
            obj.created_by = request.user
        super().save_model(request, obj, form, change)

    def photo(self, request, pk):
        """The photo, to save or to look at in a page of its own."""
        display = self.get_queryset(request).filter(pk=pk).exclude(photo="").first()
        if not display or not self.has_view_permission(request, display):
            raise Http404
        try:
            content = display.photo.read()
        except OSError:
            raise Http404 from None
        kind = display.photo.name.rpartition(".")[2]
        return HttpResponse(content, content_type=f"image/{kind}", headers={"X-Content-Type-Options": "nosniff"})

    @admin.display(description="已保存的照片")
    def photo_link(self, display):
        if not display.pk or not display.photo:
            return "-"
        return format_html('<a href="{}">查看照片</a>', reverse("admin:notices_display_photo", args=[display.pk]))


class DisplayInline(admin.TabularInline):
    """On the page of a notice, where it was shown; a public notice's own form is closed, so rows are entered apart."""

    model = Display
    extra = 0
    can_delete = False
    fields = readonly_fields = ("kind", "place", "shown_from", "shown_to", "created_by")

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False


def _proposal(lost: datetime.timedelta) -> str:
    days = days_to_give_back(lost)
    return f"建议延长 {days} 天，请起草人办理延期" if days else "不足一小时，不建议延长"


class ToTheMinute(forms.DateTimeInput):
    """A day and a time in one field."""

    input_type = "datetime-local"

    def __init__(self, **options):
        super().__init__(format="%Y-%m-%dT%H:%M", **options)


@admin.register(Outage)
class OutageAdmin(StaffAdmin):
    """What a monitor measured stands as it was measured."""

    shared = True
    formfield_overrides = {models.DateTimeField: {"form_class": forms.DateTimeField, "widget": ToTheMinute}}
    list_display = ("begun_at", "ended_at", "source", "note", "entered_by")
    list_filter = ("source",)
    fields = ("begun_at", "ended_at", "note", "concerned")
    readonly_fields = ("concerned",)
    actions = None

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and (obj is None or obj.source == Outage.Source.ENTERED)

    def has_delete_permission(self, request, obj=None):
        return super().has_delete_permission(request, obj) and (obj is None or obj.source == Outage.Source.ENTERED)

    def get_object(self, request, object_id, from_field=None):
        outage = super().get_object(request, object_id, from_field)
        outage.link = linking.links(self.admin_site, request)
        return outage

    @admin.display(description="受影响的公示期")
    def concerned(self, outage):
        """The windows in which it lies, what each lost in all, and by how many days to make it longer. Proposed only."""
        if not outage.pk:
            return "保存后显示。"
        now = timezone.now()
        lines = [
            (outage.link(notice, f"{notice.reference} {notice.edition.title}"), lost // MINUTE, _proposal(lost))
            for notice in outage.concerned(now)
            if (lost := Outage.objects.lost_by(notice.edition, now))
        ]
        said = format_html_join("", "<li>{}：合计停机 {} 分钟，{}</li>", lines)
        return format_html("<ul>{}</ul>", said) if lines else "没有公示期受影响。"

    def save_model(self, request, obj, form, change):
        if not change:
            obj.entered_by = request.user
        super().save_model(request, obj, form, change)
