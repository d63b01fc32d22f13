from django.apps import AppConfig


class MemoryConfig(AppConfig):
    name = "memory"
    verbose_name = "Memory"

    def ready(self) -> None:
        from accountability.ports import decision_finders, scope_readers
        from liftos.kernel.outbox.catalogue import declare_events
        from liftos.kernel.ports import memory_filters, private_memories, text_screener
        from liftos.kernel.reserved_operations import reserve_operations
        from memory import (  # noqa: F401  registers them
            care_functions,
            checks,
            event_functions,
            functions,
            reading_functions,
        )
        from memory.event_filters import EventFilters
        from memory.events import EVENTS
        from memory.private_memories import PrivateMemories
        from memory.queries import scopes_of_memories
        from memory.search.arms.interface import register_arm
        from memory.search.arms.meaning.arm import MeaningArm
        from memory.search.arms.words.arm import WordsArm
        from memory.secrets_screen import screen_body
        from memory.trust.decisions import decisions_of
        from memory.trust.reviews import take_part

        declare_events(*EVENTS)
        memory_filters.fill(EventFilters())
        reserve_operations("memory")
        register_arm(MeaningArm())
        register_arm(WordsArm())
        decision_finders.fill("memory", decisions_of)
        scope_readers.fill("memory", scopes_of_memories)
        text_screener.fill(screen_body)
        private_memories.fill(PrivateMemories())
        take_part()
