from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed


class StaffAdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "portal.admin_site.StaffSite"


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "公示门户"

    def ready(self):
        """Django tells of logins by signals alone, whichever way somebody comes in."""
        from . import checks, logins  # noqa: F401 – importing a check makes it known

        user_logged_in.connect(logins.logged_in)
        user_login_failed.connect(logins.failed)
        user_logged_out.connect(logins.logged_out)
