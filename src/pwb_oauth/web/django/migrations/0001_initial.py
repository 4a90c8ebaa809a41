"""Both models as they were first."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Makes both tables."""

    initial = True
    dependencies = (migrations.swappable_dependency(settings.AUTH_USER_MODEL),)
    operations = (
        migrations.CreateModel(
            name="SealedUserSession",
            fields=[
                ("row_id", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("wiki", models.CharField(max_length=255)),
                ("subject", models.CharField(max_length=255)),
                ("key_id", models.CharField(max_length=8)),
                ("sealed", models.TextField(serialize=False)),
                ("logged_in_at", models.DateTimeField()),
                ("last_used_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("reserved", models.TextField(default="", serialize=False)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["wiki", "subject"], name="pwb_oauth_of_user"),
                    models.Index(fields=["logged_in_at"], name="pwb_oauth_logged_in"),
                    models.Index(fields=["last_used_at"], name="pwb_oauth_last_used"),
                    models.Index(fields=["ended_at"], name="pwb_oauth_ended"),
                ],
            },
        ),
        migrations.CreateModel(
            name="WikiUser",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("wiki", models.CharField(max_length=255)),
                ("subject", models.CharField(max_length=255)),
                ("display_name", models.CharField(max_length=255)),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=models.CASCADE,
                        related_name="wiki_user",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["wiki", "subject"], name="pwb_oauth_one_user")
                ],
            },
        ),
    )
