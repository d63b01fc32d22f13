import django.db.models.deletion
from django.db import migrations, models

from liftos.kernel.tenancy.rls import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [("memory", "0009_blank"), ("tenancy", "0002_isolation")]

    operations = [
        migrations.CreateModel(
            name="DerivedPolicy",
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
                            ("contest", "contest: still found, marked as contested"),
                            ("hide", "hide: found only on request"),
                            ("keep", "keep: unchanged"),
                        ],
                        default="contest",
                        max_length=20,
                    ),
                ),
            ],
            options={
                "verbose_name": "policy for derived memories",
                "verbose_name_plural": "policy for derived memories",
            },
        ),
        migrations.AddConstraint(
            model_name="derivedpolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(policy__in=["contest", "hide", "keep"]), name="derived_policy_known"
            ),
        ),
        IsolateTenant("memory_derivedpolicy"),
    ]
