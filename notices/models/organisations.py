"""Who publishes, who takes objections, and by which rule their windows are counted."""

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, validate_email
from django.db import models
from django.db.models import Q

from notices import privacy, windows
from notices.documents.notice import STAGES, Office

from .scope import ScopedQuerySet


class Organisation(models.Model):
    """A unit that publishes and signs. The tree (`parent`) says who supervises whom."""

    belongs_to = "pk"

    class Kind(models.TextChoices):
        ECOLOGY_BUREAU = "ecology_bureau", "生态环境部门"
        GOVERNMENT = "government", "党委、政府"
        DEPARTMENT = "department", "其他部门"
        OTHER = "other", "其他单位"

    code = models.CharField(
        "单位代码",
        max_length=20,
        unique=True,
        validators=[
            RegexValidator(r"^\d{6}(\d{3}|\d{6})?(-\d+)?\Z", "单位代码是行政区划代码，如 370300 或 370300-2。")
        ],
        error_messages={"unique": "这个单位代码已经有单位使用。同一地区的第二个单位请加序号，如 370300-2。"},
        help_text="行政区划代码（6、9 或 12 位）；同一地区的第二个单位在后面加短横线和序号，如 370300-2。",
    )
    name = models.CharField("单位名称", max_length=100, unique=True, help_text="全称，与落款一致。")
    kind = models.CharField("单位类型", max_length=20, choices=Kind, default=Kind.ECOLOGY_BUREAU)
    parent = models.ForeignKey(
        "self",
        models.PROTECT,
        verbose_name="上级单位",
        null=True,
        blank=True,
        related_name="children",
        help_text="督导本单位的上级；上级可以看到下级的全部任务和公示。",
    )

    requires_secrecy_review = models.BooleanField(
        "发布前须保密审查", default=False, help_text="勾选后，每份公示（含更正）都要先记录保密审查才能发布。"
    )

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "单位"
        ordering = ("code",)
        permissions = [("supervise_organisation", "可以查看下级单位的全部内容")]
        constraints = [
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=models.F("id")),
                name="notices_organisation_not_own_parent",
                violation_error_message="单位不能是自己的上级。",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        above, seen = self.parent, {self.pk}
        while above and self.pk:
            if above.pk in seen:
                raise ValidationError("上级单位连成了一个圈：请检查上级单位的上级。")
            seen.add(above.pk)
            above = above.parent

    def rule(self, stage: str) -> windows.Rule:
        """The rule for windows of that stage: the organisation's own for the stage, its general one, the norm."""
        own = {rule.stage: rule for rule in self.publicity_rules.all()}
        row = own.get(stage) or own.get("")
        return row.as_rule() if row else windows.NORM


class ReceivingOffice(models.Model):
    """Who takes objections: often the publishing organisation, sometimes another one."""

    belongs_to = "organisation"

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, verbose_name="所属单位", related_name="receiving_offices"
    )
    name = models.CharField("受理部门", max_length=100, help_text="公示上写明的名称。")
    phone = models.CharField("电话", max_length=100, blank=True, help_text="办公电话，带区号；不要写私人手机号。")
    email = models.EmailField("公开邮箱", blank=True, help_text="写在公示上、给群众用的邮箱。")
    address = models.CharField("地址", max_length=200, blank=True)
    hours = models.CharField("办公时间", max_length=100, blank=True, help_text="例如：工作日 9:00—17:00。")
    mailboxes = models.TextField(
        "异议送达邮箱",
        blank=True,
        help_text="收到异议后通知这些邮箱，每行一个，不对外公开。留空时异议只在后台可见。",
    )
    mails_in_full = models.BooleanField(
        "邮件附异议全文和附件",
        default=False,
        help_text="不勾选时，邮件只有受理编号、针对的公示和后台链接。勾选后，异议内容和附件会随邮件离开本系统，"
        "经过的邮件服务器和收件人都能看到，本系统删除个人信息时也收不回来；只有邮箱由本单位管理、专人收取时才勾选。"
        "异议人的姓名和联系方式不随邮件发送。",
    )
    accepts_anonymous = models.BooleanField("接受匿名异议", default=False, help_text="匿名者凭回执码查询答复。")
    accepts_attachments = models.BooleanField(
        "接收附件", default=True, help_text="关闭后，网上的异议和补充材料只能填写文字。"
    )
    late_days = models.PositiveSmallIntegerField(
        "公示期结束后仍接收网上异议的天数",
        default=0,
        help_text="0 表示结束后不再提供表单。在这些天里提出的异议照常受理，并注明逾期。公示期内打开的表单，结束后提交的总会收下。",
    )
    keep_personal_data_days = models.PositiveIntegerField(
        "个人信息保存天数",
        default=1095,
        help_text="异议办结（或不予受理）后，异议人的姓名、联系方式、异议内容、答复和附件再保存多少天，期满自动删除；"
        "件数、办理经过和结论一直保留。需要更久的个案，可以在异议页面保留并写明原因。",
    )

    objects = ScopedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "受理部门"
        ordering = ("organisation", "name")
        constraints = [
            models.UniqueConstraint(
                fields=("organisation", "name", "phone", "email", "address"),
                name="notices_receivingoffice_once",
                violation_error_message="这个单位已经登记了同样的受理部门。",
            ),
            models.CheckConstraint(
                condition=~Q(phone="", email="", address=""),
                name="notices_receivingoffice_reachable",
                violation_error_message="电话、公开邮箱、地址至少填一项，群众才能联系到受理部门。",
            ),
            models.CheckConstraint(
                condition=Q(keep_personal_data_days__gte=1, keep_personal_data_days__lte=36500),
                name="notices_receivingoffice_keeping",
                violation_error_message="个人信息保存天数应在 1 到 36500 之间。",
            ),
            models.CheckConstraint(
                condition=Q(late_days__lte=365),
                name="notices_receivingoffice_late_days",
                violation_error_message="公示期结束后仍接收异议的天数最多 365 天。",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        for mailbox in self.mailbox_list():
            try:
                validate_email(mailbox)
            except ValidationError as error:
                raise ValidationError({"mailboxes": f"“{mailbox}”不是邮箱地址；每行写一个。"}) from error

    def mailbox_list(self) -> list[str]:
        """The addresses that are told of an objection, in the order entered, each once."""
        return list(dict.fromkeys(self.mailboxes.replace(",", " ").replace(";", " ").split()))

    @property
    def kept_for(self) -> str:
        """How long personal data are kept after the end of a case, in words."""
        return privacy.how_long(self.keep_personal_data_days)

    def as_printed(self) -> Office:
        """What a notice says about this office."""
        return Office(name=self.name, phone=self.phone, email=self.email, address=self.address)


class PublicityRule(models.Model):
    """How long an organisation's windows are, for one stage or (stage empty) for all."""

    class Unit(models.TextChoices):
        WORKING = "working", "工作日"
        CALENDAR = "calendar", "自然日"

    organisation = models.ForeignKey(Organisation, models.CASCADE, verbose_name="单位", related_name="publicity_rules")
    stage = models.CharField(
        "公示环节", max_length=20, choices=list(STAGES.items()), blank=True, help_text="留空表示适用于所有环节。"
    )
    length = models.PositiveSmallIntegerField(
        "公示天数", default=windows.NORM.length, help_text="少于这个天数不能发布，多于时提示。"
    )
    unit = models.CharField("天数单位", max_length=10, choices=Unit, default=Unit.WORKING)
    first_day_counts = models.BooleanField("首日计入", default=True, help_text="公示当天算第一天。")

    class Meta:
        verbose_name = verbose_name_plural = "公示期规则"
        ordering = ("organisation", "stage")
        constraints = [
            models.UniqueConstraint(
                fields=("organisation", "stage"),
                name="notices_publicityrule_once",
                violation_error_message="这个单位在这一环节已有公示期规则。",
            ),
            models.CheckConstraint(
                condition=Q(length__gte=1, length__lte=365),
                name="notices_publicityrule_length",
                violation_error_message="公示天数应在 1 到 365 之间。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.length} 个{self.get_unit_display()}"

    def as_rule(self) -> windows.Rule:
        return windows.Rule(length=self.length, unit=self.unit, first_day_counts=self.first_day_counts)
