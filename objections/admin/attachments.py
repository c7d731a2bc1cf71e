"""Attachments on the objection's admin page: listed beside it, downloaded through a view of its own."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.urls import path, reverse
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from notices import pictures
from notices.admin.scoped import StaffAdmin
from notices.downloads import as_download
from objections import vault
from objections.models import Attachment

from .revealing import REVEAL, record_view

ROUTE = "objections_objection_attachment"
AWAY = "附件“{}”读不出来：文件缺失或已损坏，请联系系统管理员从备份恢复。"
NO_COPY = "图片“{}”打不开，做不出去除拍摄信息的副本。需要时可以下载原件，原件可能带有拍摄位置。"


class AttachmentInline(admin.TabularInline):
    model = Attachment
    extra = 0
    can_delete = False
    fields = readonly_fields = ("file", "kind", "length", "sha256")

    def has_view_permission(self, request, obj=None):
        return request.user.has_perm("objections.view_objection")

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def get_fields(self, request, obj=None):
        """No link for whoever may not open it."""
        return self.fields if request.user.has_perm(REVEAL) else ("name", *self.fields[1:])

    @admin.display(description="下载")
    def file(self, attachment):
        url = reverse(f"admin:{ROUTE}", args=[attachment.objection_id, attachment.pk])
        link = format_html('<a href="{}">{}</a>', url, attachment.name)
        if not attachment.is_picture:
            return link
        return format_html('{}（不带拍摄位置） <a href="{}?original=1">原件（可能带有拍摄位置）</a>', link, url)

    @admin.display(description="大小")
    def length(self, attachment):
        return filesizeformat(attachment.size)


class AttachmentsAdmin(StaffAdmin):
    """What an admin of objections adds to serve their files to whoever may see the objection."""

    def get_urls(self):
        view = self.admin_site.admin_view(never_cache(require_safe(self.download)))
        return [path("<int:pk>/attachments/<int:attachment>/", view, name=ROUTE), *super().get_urls()]

    def download(self, request, pk, attachment):
        """The file to save: a picture as a bare copy unless the original is asked for, anything else as it came."""
        objection = self.get_queryset(request).filter(pk=pk).first()
        row = objection and objection.attachments.filter(pk=attachment).first()
        if not row or not self.has_view_permission(request, objection):
            raise Http404
        if not request.user.has_perm(REVEAL):
            raise PermissionDenied
        original = request.GET.get("original") == "1"
        record_view(request, row, objection, original=original)
        try:
            content = row.read() if original else row.bare()
        except vault.Unavailable:
            return self._explained(request, objection, AWAY.format(row.name))
        except pictures.Unreadable:
            return self._explained(request, objection, NO_COPY.format(row.name))
        return as_download(content, row.name, row.kind)

    def _explained(self, request, objection, message: str) -> HttpResponse:
        self.message_user(request, message, messages.ERROR)
        return HttpResponseRedirect(reverse("admin:objections_objection_change", args=[objection.pk]))
