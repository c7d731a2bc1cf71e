"""The keyring is a database of its own; its one table is made along with the others."""

from django.db import migrations

from objections.keyring import make_table


class Migration(migrations.Migration):
    dependencies = [("objections", "0001_initial")]
    operations = [migrations.RunPython(lambda apps, schema_editor: make_table(), migrations.RunPython.noop)]
