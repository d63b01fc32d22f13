import django.db.models.deletion
from django.db import migrations, models

from liftos.kernel.tenancy.rls import IsolateTenant


class Migration(migrations.Migration):
    dependencies = [("memory", "0012_dated_by_database"), ("tenancy", "0002_isolation")]

    operations = [
        migrations.CreateModel(
            name="ErasurePolicy",
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
                    "scrub_quotes",
                    models.BooleanField(
                        default=True,
                        help_text="Delete payloads of decisions that quote an erased text, even if they name no memory.",
                    ),
                ),
                (
                    "refuse_erased_ids",
                    models.CharField(
                        choices=[
                            ("import", "import: refused in imports, allowed in other writes"),
                            ("always", "always: refused in all writes"),
                            ("never", "never: can be imported and stored again"),
                        ],
                        default="import",
                        help_text="Where external ids of erased memories are refused.",
                        max_length=20,
                    ),
                ),
            ],
            options={"verbose_name": "policy for erasures", "verbose_name_plural": "policy for erasures"},
        ),
        migrations.AddConstraint(
            model_name="erasurepolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(refuse_erased_ids__in=["import", "always", "never"]),
                name="erasure_policy_known",
            ),
        ),
        IsolateTenant("memory_erasurepolicy"),
        migrations.AddField("erasure", "part_of", models.UUIDField(null=True)),
        migrations.AddField("erasure", "kept", models.JSONField(default=dict, db_default={})),
    ]
