from django.apps import AppConfig


class MarketingConfig(AppConfig):
    name = "workflows.marketing"
    label = "marketing"
    verbose_name = "Marketing"

    def ready(self) -> None:
        from memory.ports import erasers, followers
        from workflows.marketing.entry_rows import erase_entries, follow_entries
        from workflows.marketing.studies.rows import erase_studies, follow_studies

        followers.fill("marketing_entries", follow_entries)
        erasers.fill("marketing_entries", erase_entries)
        followers.fill("marketing_estimates", follow_studies)
        erasers.fill("marketing_estimates", erase_studies)
