"""The groups of portal.roles; the permissions they are given are made along with them."""

from django.db import migrations

from portal import roles


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("notices", "__first__"),
        ("objections", "__first__"),
    ]
    operations = [migrations.RunPython(lambda apps, schema_editor: roles.write(apps), migrations.RunPython.noop)]
