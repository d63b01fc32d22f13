from django.apps import AppConfig


class SpacesConfig(AppConfig):
    name = "spaces"
    verbose_name = "Conceptual spaces"

    def ready(self) -> None:
        from liftos.kernel.outbox.catalogue import declare_events
        from liftos.kernel.reserved_operations import reserve_operations
        from memory.ports import erasers, followers, scope, spaces
        from memory.search.arms.interface import register_arm
        from spaces import checks  # noqa: F401  registers them
        from spaces.erasure import erase_positions, erase_words
        from spaces.events import EVENTS
        from spaces.memory_port import SpacesPort
        from spaces.placement.memory_changes import follow_memories
        from spaces.query.arm import ConceptualArm, SpaceScope

        declare_events(*EVENTS)
        reserve_operations("space")
        register_arm(ConceptualArm())
        scope.fill(SpaceScope())
        followers.fill("spaces", follow_memories)
        erasers.fill("positions", erase_positions)
        erasers.fill("words_in_spaces", erase_words)
        spaces.fill(SpacesPort())
