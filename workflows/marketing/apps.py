from django.apps import AppConfig


class MarketingConfig(AppConfig):
    name = "workflows.marketing"
    label = "marketing"
    verbose_name = "Marketing"

    def ready(self) -> None:
        from memory.ports import erasers, followers
        from workflows.marketing.entry_rows import erase_entries, follow_entries

        followers.fill("marketing_entries", follow_entries)
        erasers.fill("marketing_entries", erase_entries)
