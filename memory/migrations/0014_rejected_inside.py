import django.db.models.deletion
from django.db import migrations, models

from liftos.kernel.tenancy.rls import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [
        ("memory", "0013_erasure_policy"),
        ("tenancy", "0003_roles"),
    ]

    operations = [
        migrations.AddField(
            model_name="memory",
            name="flagged_by",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="tombstone",
            name="anchor",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="tombstone",
            name="lead",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="tombstone",
            name="trail",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="tombstone",
            name="words",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.CreateModel(
            name="RejectionPolicy",
            fields=[
                (
                    "organisation",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        serialize=False,
                        to="tenancy.organisation",
                    ),
                ),
                (
                    "policy",
                    models.CharField(
                        choices=[
                            ("flag", "flag: stored as a candidate with a reference to the rejection"),
                            ("refuse", "refuse: not stored"),
                            ("allow", "allow: stored without a check"),
                        ],
                        default="flag",
                        max_length=20,
                    ),
                ),
            ],
            options={
                "verbose_name": "policy for rejected values in texts",
                "verbose_name_plural": "policy for rejected values in texts",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("policy__in", ["flag", "refuse", "allow"])),
                        name="rejection_policy_known",
                    )
                ],
            },
        ),
        IsolateTenant("memory_rejectionpolicy"),
    ]
