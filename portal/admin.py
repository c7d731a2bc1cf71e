"""Admin of the staff: who belongs to which organisation and has which role. Nobody changes their own account here."""

from django import forms
from django.contrib import admin
from django.contrib.auth import admin as auth_admin  # noqa: F401 – registers first what is taken off below
from django.contrib.auth.models import Group, User

from notices.admin.scoped import Table
from notices.admin.verbs import Verb, VerbsAdmin, ask
from notices.models import Invitation, Membership
from notices.models.scope import read_by, run_by
from objections.admin.mails import DeliveryFilter

from . import roles, second_factor

GRANT, CHANGE = "notices.grant_roles", "auth.change_user"


class MembershipInline(Table):
    model = Membership
    min_num = 1

    def get_formset(self, request, obj=None, **options):
        return super().get_formset(request, obj, validate_min=True, **options)


class StaffForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ("username", "last_name", "first_name", "email", "groups", "is_active")
        labels = {"groups": "角色", "is_active": "在用"}
        help_texts = {
            "username": "登录用，建立以后不能改。",
            "email": "邀请和重设密码的链接发到这里。",
            "groups": "可以选几个；一个人不能既起草又发布同一份公示。",
            "is_active": "离岗的取消勾选。用户不能删除，因为经办记录要留名。",
        }
        widgets = {"groups": forms.CheckboxSelectMultiple}

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        if "email" in self.fields:
            self.fields["email"].required = True


admin.site.unregister([Group, User])  # roles come from the table in portal.roles


@admin.register(User)
class StaffUserAdmin(VerbsAdmin):
    form = StaffForm
    list_display = ("username", "last_name", "first_name", "organisations", "roles", "is_active", "last_login")
    list_filter = ("is_active", "groups")
    search_fields = ("username", "last_name", "first_name", "email")
    inlines = (MembershipInline,)
    actions = None
    fields = StaffForm.Meta.fields
    verbs = {
        "invite": Verb(
            "发送设置密码的邮件", CHANGE, lambda user, by: user.is_active and user.email, act=Invitation.objects.invite
        ),
        "forget_device": Verb(
            "解除认证器（手机丢失或更换）",
            CHANGE,
            lambda user, by: user.telephone_set.exists(),
            act=second_factor.forget,
        ),
    }

    def get_queryset(self, request):
        """The members of the organisations that the user sees."""
        rows = admin.ModelAdmin.get_queryset(self, request).prefetch_related("groups", "memberships__organisation")
        if request.user.is_superuser:
            return rows
        return rows.filter(pk__in=Membership.objects.colleagues(read_by(request.user)))

    def is_own(self, request, obj) -> bool:
        """Somebody else whose every organisation and role is the user's to give; only superusers change superusers."""
        if obj is None or request.user.is_superuser:
            return obj is None or obj != request.user
        if obj == request.user or obj.is_superuser or obj.user_permissions.exists():
            return False
        elsewhere = obj.memberships.exclude(organisation__in=run_by(request.user))
        higher = obj.groups.exclude(pk__in=roles.grantable(request.user))
        return not elsewhere.exists() and not higher.exists()

    def has_delete_permission(self, request, obj=None):
        return False

    def get_readonly_fields(self, request, obj=None):
        fixed = ("username",) if obj else ()
        return fixed if request.user.has_perm(GRANT) else (*fixed, "groups")

    def formfield_for_manytomany(self, field, request, **options):
        if field.name == "groups":
            options["queryset"] = roles.grantable(request.user)
        return super().formfield_for_manytomany(field, request, **options)

    def save_model(self, request, obj, form, change):
        if not change:
            obj.is_staff = True
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        if not change:
            Invitation.objects.invite(obj, by=request.user)

    @admin.display(description="单位")
    def organisations(self, user):
        return "、".join(each.organisation.name for each in user.memberships.all())

    @admin.display(description="角色")
    def roles(self, user):
        return "、".join(group.name for group in user.groups.all())


@admin.register(Invitation)
class InvitationAdmin(VerbsAdmin):
    list_display = ("user", "created_at", "due_at", "attempts", "sent_at", "last_error")
    list_filter = (DeliveryFilter,)
    list_select_related = ("user",)
    fields = readonly_fields = list_display
    verbs = {
        "retry": Verb("确认地址无误，重新发送", CHANGE, lambda mail, user: mail.is_undeliverable),
        "correct": Verb(
            "更正收件地址并发送",
            CHANGE,
            lambda mail, user: not mail.sent_at,
            ask(recipient=forms.EmailField(label="正确的邮箱地址", max_length=200)),
        ),
    }

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
